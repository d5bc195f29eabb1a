import { stdout } from "../../base/output.ts";

/** Something that happened, for a loop that does the same work however often it happened meanwhile. */
export class Bell {
  #rang = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rang = true;
    this.#wake?.();
  }

  /** Waits for the bell; not at all when it rang since the last time. */
  async rung(): Promise<void> {
    if (!this.#rang) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#rang = false;
  }
}

/** Shows something again whenever the bell rings, or the terminal has another size. */
export async function showAgain(bell: Bell, show: () => Promise<void>): Promise<never> {
  if (stdout.isTerminal) process.stdout.on("resize", () => bell.ring());
  for (;;) {
    await bell.rung();
    await show();
  }
}

/** Runs what would go on for ever. The user's wish to end it is no failure. */
export function untilInterrupted(run: () => Promise<number>): Promise<number> {
  const interrupted = new Promise<number>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve(0));
  });
  return Promise.race([interrupted, run()]);
}
