import type { Body } from "../base/body.ts";

/** A unit's state as systemd reports it; `loaded` is false when systemd does not have the unit in memory. */
export interface UnitState {
  readonly loaded: boolean;
  readonly activeState: string;
  readonly subState: string;
}

export const unloaded: UnitState = { loaded: false, activeState: "inactive", subState: "dead" };

/** The jobs that a controller may ask for; each is the method of systemd's Manager with `Unit` behind it. */
export const jobMethods = {
  start: "StartUnit",
  stop: "StopUnit",
  restart: "RestartUnit",
  reload: "ReloadUnit",
} as const;
export type JobType = keyof typeof jobMethods;

/** What systemd tells. */
export interface SystemdListener {
  unitNew(unit: string): void;
  unitRemoved(unit: string): void;
  /** Whether a unit's changes are of interest; those of others are not told, nor even read. */
  listensTo(unit: string): boolean;
  /**
   * @param properties a body of the signature `a{sv}`.
   * @param state the new states when they are among the properties.
   */
  unitPropertiesChanged(
    unit: string,
    interfaceName: string,
    properties: Body,
    state: { activeState?: string; subState?: string },
  ): void;
  /** @param path systemd's object path of the job. @param state `waiting` or `running`. */
  jobStateChanged(path: string, state: string): void;
  /** @param result done, canceled, timeout, failed, dependency, skipped, invalid, … */
  jobRemoved(path: string, unit: string, result: string): void;
  /** The connection to systemd is lost; every pending call has failed before this. */
  lost(reason: string): void;
}

/**
 * What we ask of systemd on one host. Every call fails with a Failure that carries systemd's own error name and text,
 * or with NoReply when the connection is lost before the answer, Timeout when it does not come in time.
 */
export interface Systemd {
  /** Sets who hears what systemd tells; one listener. */
  listen(listener: SystemdListener): void;
  /** A method of org.freedesktop.systemd1.Manager, arguments and answer passed through. */
  callManager(method: string, args: Body): Promise<Body>;
  /** Queues a job. @param mode replace, fail, isolate, … @returns systemd's object path of the job. */
  startJob(type: JobType, unit: string, mode: string): Promise<string>;
  cancelJob(path: string): Promise<void>;
  /** A job that has not ended; undefined when there is none by this path. */
  findJob(path: string): Promise<{ readonly unit: string; readonly running: boolean } | undefined>;
  /** The properties of a unit on one interface, on all of them for "". @returns a body `a{sv}`. */
  unitProperties(unit: string, interfaceName: string): Promise<Body>;
  /** One property of a unit. @returns a body `v`. */
  unitProperty(unit: string, interfaceName: string, property: string): Promise<Body>;
  /** A unit's state now, without loading it. */
  unitState(unit: string): Promise<UnitState>;
  /** The names of the units in memory that match one of the globs, with their states. */
  listUnits(
    ...patterns: string[]
  ): Promise<{ readonly unit: string; readonly activeState: string; readonly subState: string }[]>;
  /** The job of systemd that this process is being stopped by, when there is one. @returns its object path and type. */
  stopJob(): Promise<{ readonly job: string; readonly type: string } | undefined>;
  close(): void;
}
