// What the hosts' disks begin as: this machine's own root, or that of a Debian which has the systemd that SYSTEMD in the
// environment asks for. This machine's systemd-nspawn and kernel serve both.
import { join } from "node:path";
import { must } from "./command.ts";

/** Debian's releases by the systemd that they have. */
const suites: Readonly<Record<string, string>> = { "252": "bookworm", "257": "trixie" };
const installTimeoutMs = 600_000;
const top = join(import.meta.dir, "../..");
const wanted = process.env.SYSTEMD || undefined;

/** The version of the hosts' systemd, as a number. */
export const systemdVersion = Number(wanted ?? /^systemd (\d+)/.exec(await must(["systemctl", "--version"]))?.[1]);

export interface Ground {
  /** The folder that is the lowest layer of every host's root. */
  readonly root: string;
  /** What hosts see of this machine besides: the checkout and the Bun that run the tests. */
  readonly shared: readonly string[];
}

/** Finds it, and makes it where it is missing. */
export async function ground(): Promise<Ground> {
  if (wanted === undefined) return { root: "/", shared: [] };
  const suite = suites[wanted];
  if (suite === undefined) throw new Error(`no Debian with systemd ${wanted} is known: ${Object.keys(suites)}`);
  const root = await must([join(top, "scripts/debian.sh"), suite], { timeoutMs: installTimeoutMs });
  return { root: root.trim(), shared: [top, process.execPath] };
}
