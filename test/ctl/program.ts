import { join } from "node:path";

const main = join(import.meta.dir, "../../src/main.ts");
type Environment = Record<string, string | undefined>;

export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A role that runs as a process of its own. */
export class Program {
  readonly #process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #reading: Promise<unknown>;
  stdout = "";
  stderr = "";

  constructor(words: readonly string[], environment: Environment = {}) {
    const env = { ...process.env, TZ: "UTC", NO_COLOR: undefined, BLUECHI_COMPAT: undefined, ...environment };
    this.#process = Bun.spawn([process.execPath, main, ...words], {
      env,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const decoder = new TextDecoder();
    const read = async (from: ReadableStream<Uint8Array>, take: (text: string) => void) => {
      for await (const chunk of from) take(decoder.decode(chunk));
    };
    this.#reading = Promise.all([
      read(this.#process.stdout, (text) => (this.stdout += text)),
      read(this.#process.stderr, (text) => (this.stderr += text)),
    ]);
  }

  /** Waits until the output so far contains a text. */
  async says(text: string): Promise<void> {
    const deadline = Date.now() + 5000;
    while (!this.stdout.includes(text)) {
      if (Date.now() > deadline) throw new Error(`no '${text}' in '${this.stdout}', stderr '${this.stderr}'`);
      await Bun.sleep(10);
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  get signal(): string | number | null {
    return this.#process.signalCode;
  }

  async ended(): Promise<Ended> {
    const status = await this.#process.exited;
    await this.#reading;
    return { status, stdout: this.stdout, stderr: this.stderr };
  }
}

export function run(words: readonly string[], environment: Environment = {}): Promise<Ended> {
  return new Program(words, environment).ended();
}

/** Runs a role on a terminal. @returns what it wrote, with the terminal's line ends made plain. */
export async function runOnTerminal(words: readonly string[], environment: Environment = {}): Promise<string> {
  let written = "";
  const env = { ...process.env, TZ: "UTC", NO_COLOR: undefined, TERM: "xterm", ...environment };
  const child = Bun.spawn([process.execPath, main, ...words], {
    env,
    terminal: { cols: 80, rows: 24, data: (_, data) => (written += new TextDecoder().decode(data)) },
  });
  await child.exited;
  await Bun.sleep(50);
  return written.replaceAll("\r\n", "\n");
}
