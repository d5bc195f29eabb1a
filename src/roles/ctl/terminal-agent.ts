const endingSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** polkit's agent on our terminal, pkttyagent(1): by it polkit asks for a password where no session has an agent. */
export class TerminalAgent {
  readonly #child: Bun.Subprocess;
  readonly #interrupted = (signal: NodeJS.Signals): void => {
    void this.end().then(() => process.kill(process.pid, signal));
  };

  private constructor(child: Bun.Subprocess) {
    this.#child = child;
    for (const signal of endingSignals) process.on(signal, this.#interrupted);
  }

  /** Returns once polkit knows of the agent, or it has given up and said why; at once where there is none to be started. */
  static async start(): Promise<TerminalAgent | undefined> {
    const [setpriv, pkttyagent] = [Bun.which("setpriv"), Bun.which("pkttyagent")];
    if (!setpriv || !pkttyagent) return undefined;
    // The kernel ends the agent when nobody is left who could, as after SIGKILL.
    const argv = [setpriv, "--pdeathsig", "TERM", pkttyagent, "--notify-fd", "3", "--fallback"];
    const child = Bun.spawn(argv, { stdio: ["inherit", "inherit", "inherit", "pipe"] });
    const agent = new TerminalAgent(child);
    // Nothing is ever written there: the agent closes its side when it is registered, or by its own end.
    await Bun.file(child.stdio[3] as number).arrayBuffer();
    return agent;
  }

  /** Ends the agent and waits for that: it is the one that puts the terminal in order. */
  async end(): Promise<void> {
    this.#child.kill("SIGTERM");
    // One that the terminal has stopped hears of it no earlier.
    this.#child.kill("SIGCONT");
    await this.#child.exited;
    for (const signal of endingSignals) process.off(signal, this.#interrupted);
  }
}
