import type { Body } from "../../base/body.ts";
import type { Clock } from "../../base/clock.ts";
import type { Need } from "../../systemd/demand.ts";
import type { Systemd, UnitState } from "../../systemd/port.ts";
import { unloaded } from "../../systemd/port.ts";
import type { EventFrom, FieldsOf } from "../../wire/messages.ts";
import { Newcomers } from "./newcomers.ts";

/** Tells the controller; does nothing while there is none. */
export type Tell = <N extends EventFrom<"agent">>(name: N, fields: FieldsOf<N>) => void;

/** Any unit. */
const any = "*";

/** The states of more units than this are not remembered; their state changes are told even if they are none. */
const maxStates = 65_536;

/** The units that the controller listens to, and what systemd last said of them. */
export class Units {
  readonly #systemd: Pick<Systemd, "unitState" | "listUnits">;
  readonly #tell: Tell;
  readonly #need: Need;
  readonly #newcomers: Newcomers;
  /** Units whose events are told. `*` is among them when all are. */
  readonly #subscribed = new Set<string>();
  readonly #states = new Map<string, UnitState>();
  /** Counts what is given up, so that an answer of systemd that comes late is not taken for a present one. */
  #generation = 0;
  /** Units that systemd has been asked about, with what its signals have said since. */
  readonly #pending = new Map<string, { state: UnitState | undefined }>();

  /** @param need is told whether any unit is listened to. */
  constructor(systemd: Pick<Systemd, "unitState" | "listUnits">, clock: Clock, tell: Tell, need: Need) {
    this.#systemd = systemd;
    this.#tell = tell;
    this.#need = need;
    this.#newcomers = new Newcomers(systemd, clock, (unit, state) => this.#changed(unit, state));
  }

  /**
   * Begins to tell a unit's events, or all units' for `*`.
   * @returns its state. It is read when the answer is sent: events that were told before are in it, those that follow build
   * on it.
   * @param permitted resolves once it is clear that the controller may know the unit.
   */
  async subscribe(unit: string, permitted?: Promise<unknown>): Promise<UnitState> {
    if (unit === any) {
      this.#add(any);
      const generation = this.#generation;
      const listed = await this.#systemd.listUnits(any);
      for (const { unit: name, activeState, subState } of generation === this.#generation ? listed : []) {
        if (!this.#states.has(name)) this.#remember(name, { loaded: true, activeState, subState });
      }
      return { ...unloaded, loaded: true };
    }
    // What arrives while systemd is asked is newer than its answer, or the same, and is folded into what is returned.
    // It is told only afterwards, unless somebody listens to all units anyway.
    const pending = { state: undefined as UnitState | undefined };
    this.#pending.set(unit, pending);
    try {
      if (permitted !== undefined) await permitted;
      const { loaded, activeState, subState } = await this.#systemd.unitState(unit);
      const state = pending.state ?? { loaded, activeState, subState };
      if (this.#pending.get(unit) !== pending) return state;
      this.#add(unit);
      return this.#remember(unit, state) ? this.#latest(unit) : state;
    } finally {
      if (this.#pending.get(unit) === pending) this.#pending.delete(unit);
    }
  }

  unsubscribe(unit: string): void {
    this.#subscribed.delete(unit);
    this.#pending.delete(unit);
    this.#need(this.#subscribed.size > 0);
    if (this.#subscribed.has(any)) return;
    this.#generation++;
    if (unit === any)
      for (const name of this.#states.keys()) if (!this.#subscribed.has(name)) this.#states.delete(name);
    this.#states.delete(unit);
  }

  /** Forgets what a controller listened to that is gone. */
  clear(): void {
    this.#generation++;
    this.#subscribed.clear();
    this.#pending.clear();
    this.#states.clear();
    this.#newcomers.clear();
    this.#need(false);
  }

  /** Whether anything is to be done about a unit's changes. */
  listensTo(unit: string): boolean {
    return this.#listens(unit) || this.#pending.has(unit);
  }

  unitNew(unit: string): void {
    this.#fold(unit, { ...unloaded, loaded: true });
    if (!this.listensTo(unit)) return;
    this.#newcomers.add(unit);
    if (!this.#listens(unit)) return;
    this.#remember(unit, { ...unloaded, loaded: true });
    this.#tell("unitNew", { unit });
  }

  unitRemoved(unit: string): void {
    this.#fold(unit, unloaded);
    this.#newcomers.delete(unit);
    if (!this.#listens(unit)) return;
    this.#states.delete(unit);
    this.#tell("unitRemoved", { unit });
  }

  unitPropertiesChanged(
    unit: string,
    interfaceName: string,
    properties: Body,
    changed: { activeState?: string; subState?: string },
  ): void {
    this.#changed(unit, changed);
    if (this.#listens(unit)) this.#tell("unitPropertiesChanged", { unit, interface: interfaceName, properties });
  }

  #changed(unit: string, changed: { activeState?: string; subState?: string }): void {
    const pending = this.#pending.get(unit);
    if (pending) pending.state = change(pending.state ?? this.#states.get(unit), changed) ?? pending.state;
    const before = this.#states.get(unit);
    const state = change(before, changed);
    if (!state) return;
    this.#newcomers.delete(unit);
    if (!this.#listens(unit)) return;
    if (state.activeState === before?.activeState && state.subState === before.subState) return;
    this.#remember(unit, state);
    this.#tell("unitStateChanged", { unit, activeState: state.activeState, subState: state.subState });
  }

  #add(unit: string): void {
    this.#subscribed.add(unit);
    this.#need(true);
  }

  #listens(unit: string): boolean {
    return this.#subscribed.has(any) || this.#subscribed.has(unit);
  }

  #fold(unit: string, state: UnitState): void {
    const pending = this.#pending.get(unit);
    if (pending) pending.state = state;
  }

  /** A unit's state as of whenever it is looked at. */
  #latest(unit: string): UnitState {
    const now = () => this.#states.get(unit) ?? unloaded;
    return {
      get loaded() {
        return now().loaded;
      },
      get activeState() {
        return now().activeState;
      },
      get subState() {
        return now().subState;
      },
    };
  }

  /** @returns whether there is room for it. */
  #remember(unit: string, state: UnitState): boolean {
    if (this.#states.size >= maxStates && !this.#states.has(unit)) return false;
    this.#states.set(unit, state);
    return true;
  }
}

/** A state with changes laid over it; undefined when nothing of it changed. */
function change(
  state: UnitState | undefined,
  changed: { activeState?: string; subState?: string },
): UnitState | undefined {
  if (changed.activeState === undefined && changed.subState === undefined) return undefined;
  const before = state ?? unloaded;
  const { activeState = before.activeState, subState = before.subState } = changed;
  return { loaded: true, activeState, subState };
}
