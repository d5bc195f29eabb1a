import type { Clock } from "../base/clock.ts";

/** What a test says of a unit; names of other units may hold %i, the instance of a template. */
export interface UnitFile {
  /** As in `web.service` or, for a template, `bluechi-dep@.service`. */
  readonly name: string;
  /** `oneshot` is a service whose start is over when its process is. Default: by the suffix of the name. */
  readonly type?: "service" | "oneshot" | "target";
  readonly remainAfterExit?: boolean;
  /** How long it is activating, and deactivating. Default 0. */
  readonly startMs?: number;
  readonly stopMs?: number;
  readonly failsAtStart?: boolean;
  /** How long after its start it ends by itself, and whether that is a failure. */
  readonly exitsAfterMs?: number;
  readonly exitFails?: boolean;
  readonly reloadable?: boolean;
  readonly after?: readonly string[];
  readonly bindsTo?: readonly string[];
  readonly requires?: readonly string[];
  readonly wants?: readonly string[];
  readonly stopWhenUnneeded?: boolean;
  /** What ExecStart does; a rejection fails the start, and a stop meanwhile aborts it. */
  readonly onStart?: (instance: string, aborted: AbortSignal) => Promise<void>;
  /** What ExecStop does. */
  readonly onStop?: (instance: string) => Promise<void>;
}

/** What a unit went through last, by the names of systemd's properties; realtime and monotonic, in microseconds. */
export type Moment = "StateChange" | "InactiveExit" | "ActiveEnter" | "ActiveExit" | "InactiveEnter";

/** A unit in the memory of a fake systemd. */
export class FakeUnit {
  readonly name: string;
  readonly file: UnitFile;
  readonly instance: string;
  readonly after: readonly string[];
  readonly bindsTo: readonly string[];
  readonly requires: readonly string[];
  readonly wants: readonly string[];
  readonly moments = new Map<Moment, readonly [realtimeUs: bigint, monotonicUs: bigint]>();
  readonly #clock: Clock;
  readonly #changed: (unit: FakeUnit) => void;
  activeState = "inactive";
  subState = "dead";
  frozen = false;
  /** What it is doing; the end of something that was broken off is not taken for another's. */
  #doing = new AbortController();

  /** @param changed called after each change of its states. */
  constructor(name: string, file: UnitFile, clock: Clock, changed: (unit: FakeUnit) => void) {
    this.name = name;
    this.file = file;
    this.#clock = clock;
    this.#changed = changed;
    this.instance = /@(.*)\.[a-z]+$/.exec(name)?.[1] ?? "";
    const resolve = (names: readonly string[] = []) => names.map((other) => other.replaceAll("%i", this.instance));
    this.after = resolve(file.after);
    this.bindsTo = resolve(file.bindsTo);
    this.requires = resolve(file.requires);
    this.wants = resolve(file.wants);
  }

  get down(): boolean {
    return this.activeState === "inactive" || this.activeState === "failed";
  }

  /** What it cannot be started without. */
  get needs(): readonly string[] {
    return [...this.bindsTo, ...this.requires];
  }

  /** The kind it is: its file's type, else what its name ends with. */
  get kind(): string {
    return this.file.type ?? this.name.slice(this.name.lastIndexOf(".") + 1);
  }

  start(): void {
    const { startMs = 0, failsAtStart = false, onStart } = this.file;
    const doing = this.#begin();
    if (startMs === 0 && !onStart) {
      if (failsAtStart) this.fail();
      else this.#started();
      return;
    }
    this.#enter("activating", "start");
    this.#wait(doing, startMs, onStart?.(this.instance, doing)).then(
      (current) => {
        if (!current) return;
        if (failsAtStart) this.fail();
        else this.#started();
      },
      () => {
        if (!doing.aborted) this.fail();
      },
    );
  }

  stop(): void {
    const { stopMs = 0, onStop } = this.file;
    const wasActive = this.activeState === "active";
    const doing = this.#begin();
    const work = wasActive ? onStop?.(this.instance) : undefined;
    if (stopMs === 0 && !work) {
      this.#enter("inactive", "dead");
      return;
    }
    this.#enter("deactivating", "stop");
    const done = () => {
      if (!doing.aborted) this.#enter("inactive", "dead");
    };
    this.#wait(doing, stopMs, work).then(done, done);
  }

  fail(): void {
    this.#begin();
    this.#enter("failed", "failed");
  }

  /** Breaks off whatever it does, and tells nobody. */
  vanish(): void {
    this.#doing.abort();
  }

  /** Ends by itself, or forgets that it failed. */
  end(): void {
    this.#begin();
    this.#enter("inactive", "dead");
  }

  #started(): void {
    const { exitsAfterMs, exitFails, remainAfterExit } = this.file;
    if (this.kind === "oneshot" && !remainAfterExit) {
      this.end();
      return;
    }
    this.#enter("active", this.kind === "target" ? "active" : this.kind === "oneshot" ? "exited" : "running");
    if (exitsAfterMs === undefined) return;
    const doing = this.#doing.signal;
    this.#clock.after(exitsAfterMs, () => {
      if (doing.aborted) return;
      if (exitFails) this.fail();
      else this.end();
    });
  }

  #begin(): AbortSignal {
    this.#doing.abort();
    this.#doing = new AbortController();
    return this.#doing.signal;
  }

  /** @returns whether nothing else was begun meanwhile. */
  async #wait(doing: AbortSignal, delayMs: number, work: Promise<void> | undefined): Promise<boolean> {
    if (delayMs > 0) await new Promise<void>((resolve) => this.#clock.after(delayMs, resolve));
    await work;
    return !doing.aborted;
  }

  #enter(activeState: string, subState: string): void {
    const wasDown = this.down;
    const wasActive = this.activeState === "active";
    this.activeState = activeState;
    this.subState = subState;
    const now = [this.#clock.realtimeUs(), this.#clock.monotonicUs()] as const;
    this.moments.set("StateChange", now);
    if (wasDown && !this.down) this.moments.set("InactiveExit", now);
    if (!wasActive && activeState === "active") this.moments.set("ActiveEnter", now);
    if (wasActive && activeState !== "active") this.moments.set("ActiveExit", now);
    if (!wasDown && this.down) this.moments.set("InactiveEnter", now);
    this.#changed(this);
  }
}
