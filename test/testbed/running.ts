// A command that goes on running on a host, and whose output is waited for line by line.
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { killGroup } from "./command.ts";
import { patienceMs } from "./until.ts";

type Match = string | RegExp | ((line: string) => boolean);

export class Running {
  /** Everything it said so far, standard output and standard error as they came in. */
  readonly lines: string[] = [];
  /** Its exit status, once it has ended and `lines` has everything. */
  readonly exited: Promise<number>;
  readonly #child: Bun.ReadableSubprocess;
  readonly #argv: readonly string[];
  #read = 0;
  #open = 2;
  #changed = Promise.withResolvers<void>();

  /** `argv` is the command as the test wrote it, `enter` what takes it into the host. */
  constructor(enter: readonly string[], argv: readonly string[]) {
    this.#argv = argv;
    this.#child = Bun.spawn([...enter, ...argv], { stdin: "ignore", stdout: "pipe", stderr: "pipe", detached: true });
    const read = [this.#follow(this.#child.stdout), this.#follow(this.#child.stderr)];
    this.exited = Promise.all(read).then(() => this.#child.exited);
  }

  async #follow(stream: globalThis.ReadableStream<Uint8Array>): Promise<void> {
    const input = Readable.fromWeb(stream as ReadableStream);
    for await (const line of createInterface({ input })) {
      this.lines.push(line);
      this.#wake();
    }
    this.#open -= 1;
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Waits for the next line that matches, after the one that the call before returned. */
  async line(match: Match, timeoutMs = patienceMs): Promise<string> {
    const late = Promise.withResolvers<"late">();
    const timer = setTimeout(() => late.resolve("late"), timeoutMs);
    try {
      for (;;) {
        const changed = this.#changed.promise;
        while (this.#read < this.lines.length) {
          const line = this.lines[this.#read++] ?? "";
          if (matches(match, line)) return line;
        }
        if (this.#open === 0) throw this.#missing(match, "it has ended");
        if ((await Promise.race([changed, late.promise])) === "late") throw this.#missing(match, `${timeoutMs} ms`);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #missing(match: Match, why: string): Error {
    return new Error(`${this.#argv.join(" ")}: no line ${match} (${why}). It said:\n${this.lines.join("\n")}`);
  }

  /** Sends a signal to the command itself, not to the `nsenter` that waits for it and passes its exit status on. */
  async kill(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const { pid } = this.#child;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
    const inside = Number(children.trim().split(" ")[0]);
    if (inside > 0) process.kill(inside, signal);
    else this.#child.kill(signal);
  }

  /** Ends it and all that it started. */
  async close(): Promise<void> {
    killGroup(this.#child.pid);
    await this.exited;
  }
}

function matches(match: Match, line: string): boolean {
  if (typeof match === "string") return line.includes(match);
  return match instanceof RegExp ? match.test(line) : match(line);
}
