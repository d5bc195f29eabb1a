// The running half of a host: systemd as process 1 of a container, from its start to its end.
import { readFile, writeFile } from "node:fs/promises";
import { run } from "./command.ts";
import { enter } from "./enter.ts";
import { makeGroups, removeGroups } from "./groups.ts";
import { patienceMs, until } from "./until.ts";

const bootTimeoutMs = 2 * patienceMs;
/** systemd(1): SIGRTMIN+4 powers off. Bun has no name for it. */
const powerOffSignal = 38;

export interface MachineOptions {
  readonly hostname: string;
  readonly root: string;
  /** The name for the container and its control group. */
  readonly name: string;
  readonly namespace: string;
  /** Where process 1's console output and its id are written. */
  readonly folder: string;
  readonly unified: boolean;
  /** Files and folders of this machine that the host sees, at the same places. */
  readonly shared: readonly string[];
}

export class Machine {
  /** The id of the host's process 1, as this machine sees it. */
  readonly leader: number;
  readonly #name: string;
  readonly #nspawn: Bun.Subprocess;

  private constructor(leader: number, name: string, nspawn: Bun.Subprocess) {
    this.leader = leader;
    this.#name = name;
    this.#nspawn = nspawn;
  }

  static async boot(options: MachineOptions): Promise<Machine> {
    const nspawn = await spawn(options);
    try {
      const leader = await until("process 1", () => processOne(nspawn), bootTimeoutMs);
      await writeFile(`${options.folder}/leader`, `${leader}`);
      await until("the end of the boot", () => booted(leader, nspawn), bootTimeoutMs);
      return new Machine(leader, options.name, nspawn);
    } catch (error) {
      const log = await readFile(`${options.folder}/console.log`, "utf8");
      throw new Error(`${options.hostname} did not boot: ${(error as Error).message}\n${log}`);
    }
  }

  /** Power loss. */
  async kill(): Promise<void> {
    process.kill(this.leader, "SIGKILL");
    await this.#ended();
  }

  /** An orderly shutdown. */
  async powerOff(): Promise<void> {
    process.kill(this.leader, powerOffSignal);
    await this.#ended();
  }

  async #ended(): Promise<void> {
    await this.#nspawn.exited;
    await removeGroups(this.#name);
  }
}

async function spawn(options: MachineOptions): Promise<Bun.Subprocess> {
  const moveIn = (await makeGroups(options.name)).map((file) => `echo $$ >${file}`).join(" && ");
  const nspawn = [
    "systemd-nspawn --quiet --boot --register=no --keep-unit --link-journal=no --console=pipe",
    "--resolv-conf=off --timezone=off",
    `--directory=${options.root} --machine=${options.name} --hostname=${options.hostname}`,
    `--network-namespace-path=/run/netns/${options.namespace}`,
    ...options.shared.map((path) => `--bind-ro=${path}`),
  ].join(" ");
  const console = Bun.file(`${options.folder}/console.log`);
  const child = Bun.spawn(["sh", "-c", `${moveIn} && exec ${nspawn}`], {
    env: { ...process.env, ...(options.unified ? { SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: "1" } : {}) },
    stdin: "ignore",
    stdout: console,
    stderr: console,
    detached: true,
  });
  child.unref();
  return child;
}

/** The child of nspawn that is process 1 of its own namespace, once there is one. */
async function processOne(nspawn: Bun.Subprocess): Promise<number | undefined> {
  const { pid } = nspawn;
  for (const child of (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).split(" ").filter(Boolean)) {
    const status = await readFile(`/proc/${child}/status`, "utf8");
    if (/^NSpid:\t\d+\t1$/m.test(status)) return Number(child);
  }
  return undefined;
}

async function booted(leader: number, nspawn: Bun.Subprocess): Promise<boolean> {
  if (nspawn.exitCode !== null) throw new Error(`systemd-nspawn ended with ${nspawn.exitCode}`);
  const wait = [...enter(leader), "systemctl", "is-system-running", "--wait"];
  const { stdout } = await run(wait, { timeoutMs: bootTimeoutMs });
  return ["running", "degraded"].includes(stdout.trim());
}
