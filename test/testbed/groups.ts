// One control group for each host: hosts that share a tree stop, freeze or wait for each other's units.
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, readFile, rmdir } from "node:fs/promises";
import { systemdVersion } from "./ground.ts";
import { until } from "./until.ts";

const root = "/sys/fs/cgroup";

/** The kinds of control groups that hosts have: v2 alone, or v1 with v2 beside it. */
export type Hierarchy = "unified" | "hybrid";

/** The kinds that hosts can have here: v2 alone where it is anywhere, v1 only where this machine and their systemd have it. */
export function hostHierarchies(): Hierarchy[] {
  if (existsSync(`${root}/cgroup.controllers`)) return ["unified"];
  const both: Hierarchy[] = existsSync(`${root}/unified`) ? ["unified", "hybrid"] : ["hybrid"];
  // 256 wants to be forced to start beside v1, later ones have forgotten how.
  return systemdVersion < 256 ? both : both.filter((kind) => kind === "unified");
}

/** The hierarchies that matter: systemd's own two on a machine with cgroup v1, else the single one of v2. */
function hierarchies(): string[] {
  if (existsSync(`${root}/cgroup.controllers`)) return [root];
  return [`${root}/systemd`, `${root}/unified`].filter((path) => existsSync(path));
}

/** Makes the groups of a host and returns the files that a process writes its id to in order to move in. */
export async function makeGroups(name: string): Promise<string[]> {
  const groups = hierarchies().map((path) => `${path}/${name}`);
  for (const group of groups) await mkdir(group, { recursive: true });
  return groups.map((group) => `${group}/cgroup.procs`);
}

/** The file that a process writes its id to in order to join another one in the hierarchy of v2; one to no effect when that is gone. */
export function groupOf(pid: number | string): string {
  try {
    const [, group] = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8")) ?? [];
    return `${existsSync(`${root}/cgroup.controllers`) ? root : `${root}/unified`}${group}/cgroup.procs`;
  } catch {
    return "/dev/null";
  }
}

/** Kills whatever lives in the groups whose names begin so, then removes them. */
export async function removeGroups(prefix: string): Promise<void> {
  for (const hierarchy of hierarchies()) {
    const names = (await readdir(hierarchy)).filter((name) => name.startsWith(prefix));
    for (const name of names) await until(`the group ${name} to be empty`, () => removeTree(`${hierarchy}/${name}`));
  }
}

async function removeTree(group: string): Promise<boolean> {
  if (!existsSync(group)) return true;
  const folders = await readdir(group, { withFileTypes: true });
  for (const folder of folders) if (folder.isDirectory()) await removeTree(`${group}/${folder.name}`);
  const pids = await readFile(`${group}/cgroup.procs`, "utf8");
  for (const pid of pids.split("\n").filter(Boolean)) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // It ended by itself in the meantime.
    }
  }
  return rmdir(group).then(
    () => true,
    () => false,
  );
}
