// What a test run owns on this machine: a folder whose name tells the owning process, so that nothing collides with
// another run at the same time, and leftovers of a run that crashed are known by their name and removed by the next one.
//
// The folder is a file system in memory of its own: an overlay's layers may lie neither on the file system that it
// covers nor inside each other.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, readdir, rmdir, writeFile } from "node:fs/promises";
import { must, run } from "./command.ts";
import { removeGroups } from "./groups.ts";
import { removeNetworks } from "./network.ts";

export const base = "/var/tmp/bluechi-testbed";
const pattern = /^(\d+)-(\d+)-\d+$/;
let count = 0;

export interface Claim {
  readonly id: string;
  readonly folder: string;
}

export async function claim(): Promise<Claim> {
  await mkdir(base, { recursive: true });
  await sweep();
  const id = `${process.pid}-${startTime(process.pid)}-${count++}`;
  const folder = `${base}/${id}`;
  await mkdir(folder);
  await must(["mount", "-t", "tmpfs", "-o", "size=8g,mode=0755", "bluechi-testbed", folder]);
  return { id, folder };
}

/** Makes it outlive its owner, for people who want to look around. */
export async function keep(id: string): Promise<void> {
  await writeFile(`${base}/${id}/kept`, "");
}

/** The claims that were kept. */
export function kept(): string[] {
  return existsSync(base) ? readdirSync(base).filter((id) => existsSync(`${base}/${id}/kept`)) : [];
}

/** Ends all that runs in a claim and removes every trace of it; what is gone already is no error. */
export async function release(id: string): Promise<void> {
  await removeGroups(prefix(id));
  const folder = `${base}/${id}`;
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
  const points = mounts
    .map((line) => line.split(" ")[1] ?? "")
    .filter((at) => at === folder || at.startsWith(`${folder}/`));
  for (const point of points.reverse()) await run(["umount", "--lazy", point]);
  await removeNetworks(prefix(id));
  await rmdir(folder).catch(() => undefined);
}

/** How the claim's control groups, network namespaces and machines begin. */
export function prefix(id: string): string {
  return `bluechi-${id}-`;
}

async function sweep(): Promise<void> {
  for (const id of await readdir(base)) {
    const [, pid, started] = pattern.exec(id) ?? [];
    if (pid === undefined || existsSync(`${base}/${id}/kept`)) continue;
    if (startTime(Number(pid)) !== started) await release(id);
  }
}

/** When a process started, in the kernel's ticks: a process id alone may have been given to another since. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
