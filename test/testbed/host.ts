// One host of a lab: a machine with a disk and a network plug, and what a test does with it.
import { must, type Outcome, type RunOptions, run } from "./command.ts";
import { cleanEnvironment, enter, type Variables } from "./enter.ts";
import { Machine, type MachineOptions } from "./machine.ts";
import type { Plug } from "./network.ts";
import { Running } from "./running.ts";
import { until } from "./until.ts";

export class Host {
  readonly name: string;
  readonly address: string;
  /** The folder that is its `/` while it is off. While it is on, /run and /tmp are elsewhere: use read and write. */
  readonly root: string;
  readonly #plug: Plug;
  readonly #options: MachineOptions;
  #machine: Machine | undefined;
  #running: Running[] = [];

  constructor(plug: Plug, options: MachineOptions) {
    this.name = options.hostname;
    this.address = plug.address;
    this.root = options.root;
    this.#plug = plug;
    this.#options = options;
  }

  get isOn(): boolean {
    return this.#machine !== undefined;
  }

  /** Boots it and returns when its systemd is done. */
  async start(): Promise<void> {
    await this.#plug.connect();
    this.#machine ??= await Machine.boot(this.#options);
  }

  /** Power loss: nobody hears of it. Files are kept, for another start. */
  async kill(): Promise<void> {
    await this.#plug.remove(() => this.#off((machine) => machine.kill()));
  }

  /** An orderly shutdown. */
  async powerOff(): Promise<void> {
    await this.#off((machine) => machine.powerOff());
  }

  async #off(how: (machine: Machine) => Promise<void>): Promise<void> {
    if (this.#machine !== undefined) await how(this.#machine);
    this.#machine = undefined;
    await Promise.all(this.#running.splice(0).map((running) => running.close()));
  }

  /** Pulls its network cable. */
  async cut(): Promise<void> {
    await this.#plug.set("down");
  }

  /** Lets this share of all packets vanish, from 0 to 1, in each direction; 1 is a partition. */
  async lose(share: number): Promise<void> {
    await this.#plug.disturb({ lossIn: share, lossOut: share });
  }

  /** Hears nothing any more, and is heard. */
  async deafen(): Promise<void> {
    await this.#plug.disturb({ lossIn: 1 });
  }

  /** Is not heard any more, and hears. */
  async mute(): Promise<void> {
    await this.#plug.disturb({ lossOut: 1 });
  }

  /** Lets no more than so many thousand bits a second pass in each direction. */
  async thin(kilobits: number): Promise<void> {
    await this.#plug.disturb({ kilobits });
  }

  /** Makes its network as good as new. */
  async mend(): Promise<void> {
    await this.#plug.set("up");
    await this.#plug.disturb({});
  }

  /** A command of this machine that runs a command here. */
  command(argv: readonly string[]): string[] {
    return [...this.#enter(), ...argv];
  }

  /** What goes before a command to run it here: on a host that is off it only sees the files. */
  #enter(env: Variables = {}): string[] {
    if (this.#machine === undefined) return ["chroot", this.root, ...cleanEnvironment(env)];
    return enter(this.#machine.leader, env);
  }

  /** Runs a command as root, to its end. */
  run(argv: readonly string[], { env, ...options }: RunOptions = {}): Promise<Outcome> {
    return run([...this.#enter(env), ...argv], options);
  }

  /** Runs a shell script that has to succeed and returns its standard output. */
  async sh(script: string, options: RunOptions = {}): Promise<string> {
    const { status, stdout, stderr } = await this.run(["bash", "-c", script], options);
    if (status !== 0) throw new Error(`${this.name}# ${script}\nexit status ${status}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Starts a command that goes on running, until it is closed or the host goes off. */
  spawn(argv: readonly string[], env: Variables = {}): Running {
    const running = new Running(this.#enter(env), argv);
    this.#running.push(running);
    return running;
  }

  async write(path: string, text: string | Uint8Array, mode = 0o644): Promise<void> {
    const script = 'mkdir -p "$(dirname "$1")" && cat >"$1" && chmod "$2" "$1"';
    const argv = ["sh", "-c", script, "write", path, mode.toString(8)];
    await must([...this.#enter(), ...argv], { input: text });
  }

  read(path: string): Promise<string> {
    return must([...this.#enter(), "cat", path]);
  }

  until: typeof until = (what, probe, timeoutMs) => until(`${this.name}: ${what}`, probe, timeoutMs);

  /** What a unit (or all that match a glob) logged since the host booted, up to now: journald writes later than it is told. */
  async journal(unit: string): Promise<string> {
    const script = 'journalctl --sync; exec journalctl -b --no-pager -o short-iso-precise -u "$0"';
    const { stdout } = await this.run(["sh", "-c", script, unit]);
    return stdout;
  }

  /** Waits until a unit (or one that matches a glob) has logged something since the host booted. */
  async logged(unit: string, what: string | RegExp): Promise<void> {
    await this.until(`${unit} to log ${what}`, async () => {
      const text = await this.journal(unit);
      if (typeof what === "string" ? !text.includes(what) : !what.test(text)) throw new Error(text);
      return true;
    });
  }

  /** Ends what tests left running here; the host itself goes with its lab. */
  async close(): Promise<void> {
    await Promise.all(this.#running.splice(0).map((running) => running.close()));
  }
}
