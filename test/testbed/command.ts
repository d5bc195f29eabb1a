// One command run to its end, with everything it said.
import { patienceMs } from "./until.ts";

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command on this machine. Its status is 128 + n when signal n ended it; it throws only when time runs out. */
export async function run(argv: readonly string[], options: Omit<RunOptions, "env"> = {}): Promise<Outcome> {
  const { input, timeoutMs = patienceMs } = options;
  // A group of its own, so that running out of time ends what the command started, too.
  const child = Bun.spawn([...argv], {
    stdin: input === undefined ? "ignore" : new Blob([input]),
    stdout: "pipe",
    stderr: "pipe",
    detached: true,
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    killGroup(child.pid);
  }, timeoutMs);
  const [stdout, stderr, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  clearTimeout(timer);
  if (late) throw new Error(`${argv.join(" ")}: took longer than ${timeoutMs} ms\n${stdout}${stderr}`);
  return { status, stdout, stderr };
}

/** Runs a command that has to succeed and returns its standard output. */
export async function must(argv: readonly string[], options: Omit<RunOptions, "env"> = {}): Promise<string> {
  const { status, stdout, stderr } = await run(argv, options);
  if (status !== 0) throw new Error(`${argv.join(" ")}: exit status ${status}\n${stdout}${stderr}`);
  return stdout;
}

export function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group is gone already, which is what was wanted.
  }
}
