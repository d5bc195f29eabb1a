import { join } from "node:path";
import { until } from "../testbed/until.ts";

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
    await until(`'${text}'`, () => {
      if (!this.stdout.includes(text)) throw new Error(`'${this.stdout}', stderr '${this.stderr}'`);
      return true;
    });
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

/** A role on a terminal of its own. */
export class TerminalProgram {
  /** What it wrote, with the terminal's line ends made plain. */
  text = "";
  readonly #process: Bun.Subprocess;

  constructor(words: readonly string[], environment: Environment = {}, size = { cols: 80, rows: 24 }) {
    const decoder = new TextDecoder();
    this.#process = Bun.spawn([process.execPath, main, ...words], {
      env: { ...process.env, TZ: "UTC", NO_COLOR: undefined, TERM: "xterm", ...environment },
      terminal: {
        ...size,
        data: (_, data) => {
          this.text += decoder.decode(data, { stream: true }).replaceAll("\r\n", "\n");
        },
      },
    });
  }

  /** Waits until what it wrote passes. */
  async until(passes: (text: string) => boolean): Promise<void> {
    await until("what the program shows", () => {
      if (!passes(this.text)) throw new Error(JSON.stringify(this.text));
      return true;
    });
  }

  resize(cols: number, rows: number): void {
    this.#process.terminal?.resize(cols, rows);
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Its exit status, once all that it wrote has arrived. */
  async ended(): Promise<number> {
    const status = await this.#process.exited;
    await Bun.sleep(50);
    return status;
  }
}

/** Runs a role on a terminal. @returns what it wrote. */
export async function runOnTerminal(words: readonly string[], environment: Environment = {}): Promise<string> {
  const program = new TerminalProgram(words, environment);
  await program.ended();
  return program.text;
}
