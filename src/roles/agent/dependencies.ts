import { asFailure, describe, ErrorName, Failure } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import { dependencyUnit } from "../../base/names.ts";
import type { Systemd } from "../../systemd/port.ts";
import type { Jobs } from "./jobs.ts";

const dependencyUnits = dependencyUnit("*.service");

/** The dependency units of this node: each stands for what units of other nodes need here. */
export class Dependencies {
  readonly #systemd: Pick<Systemd, "startJob" | "listUnits">;
  readonly #jobs: Pick<Jobs, "run">;
  readonly #log: Log;
  readonly #needed = new Set<string>();

  constructor(systemd: Pick<Systemd, "startJob" | "listUnits">, jobs: Pick<Jobs, "run">, log: Log) {
    this.#systemd = systemd;
    this.#jobs = jobs;
    this.#log = log;
  }

  /** Starts what others need. @returns the result of the start job. @throws Failure as systemd refuses. */
  async start(unit: string): Promise<string> {
    const name = dependencyUnit(unit);
    this.#needed.add(name);
    try {
      return await this.#jobs.run("start", name, "replace");
    } catch (error) {
      // NoReply is what the controller takes for a lost link; a lost systemd is another matter.
      if (asFailure(error).errorName !== ErrorName.NoReply) throw error;
      throw new Failure(ErrorName.Failed, describe(error));
    }
  }

  /**
   * A job of a unit has ended. When it was a stop that a start has overtaken, the unit goes on, but its dependency unit has
   * been stopped along with it, and nobody else starts that again.
   */
  async jobRemoved(unit: string, result: string): Promise<void> {
    const name = dependencyUnit(unit);
    if (result !== "canceled" || !this.#needed.has(name)) return;
    try {
      // Requirements aside, so that it waits for whatever the unit does now and starts only if that is active then: what
      // somebody stops it never starts.
      await this.#systemd.startJob("start", name, "ignore-requirements");
    } catch (error) {
      this.#log.warn(`'${name}' is not started again after a job of '${unit}' was canceled: ${describe(error)}`);
    }
  }

  async stop(unit: string): Promise<void> {
    const name = dependencyUnit(unit);
    this.#needed.delete(name);
    await this.#systemd.startJob("stop", name, "replace");
  }

  /** Stops the dependency units that nobody needs any more: their users went while this node was not connected. */
  async keep(units: readonly string[]): Promise<void> {
    this.#needed.clear();
    for (const unit of units) this.#needed.add(dependencyUnit(unit));
    // Whatever its state: one that is inactive may have a start job that waits for its target.
    for (const { unit } of await this.#systemd.listUnits(dependencyUnits)) {
      // Asked now, as what was needed when the list was asked for may be needed since.
      if (this.#needed.has(unit)) continue;
      this.#log.info(`Stopping '${unit}', which no other node needs any more`);
      await this.#systemd.startJob("stop", unit, "replace").catch((error) => {
        this.#log.warn(`'${unit}' is not stopped: ${describe(error)}`);
      });
    }
  }
}
