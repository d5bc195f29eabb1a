import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../../base/clock.ts";
import { describe, ErrorName, Failure } from "../../../base/failure.ts";
import type { Log } from "../../../base/log.ts";
import { readPrivate, writePrivate } from "../../../identity/private-files.ts";
import { Authority } from "./authority.ts";
import { Registry } from "./registry.ts";

export interface KeptOptions {
  /** Where the cluster is kept, a folder of its own; undefined when there is nowhere to keep one. */
  readonly folder: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** How long certificates live that are issued from now on. */
  lifetimeMs(): number;
}

/** What a controller has that has a cluster. */
export interface Identity {
  readonly authority: Authority;
  readonly registry: Registry;
}

const registryFile = "registry.json";

/**
 * The identity of a controller and the folder that it is kept in. Changes are made one after the other, and each is on the disk
 * before it is answered; those that become ready meanwhile are written at once.
 */
export class Kept {
  readonly options: KeptOptions;
  #identity: Identity | undefined;
  /** The change that is under way. */
  #turn: Promise<unknown> = Promise.resolve();
  /** The number of the registry's changes that are on the disk. */
  #written = 0;
  #writing: Promise<void> | undefined;

  constructor(options: KeptOptions) {
    this.options = options;
  }

  get identity(): Identity | undefined {
    return this.#identity;
  }

  /** @throws Failure when there is no cluster. */
  get known(): Identity {
    if (this.#identity) return this.#identity;
    throw new Failure(ErrorName.Failed, "there is no cluster yet: 'bluechictl cluster init' makes one");
  }

  /** Since the epoch. */
  get nowMs(): number {
    return Number(this.options.clock.realtimeUs() / 1000n);
  }

  /**
   * Reads what is in the folder, if it is there.
   * @throws Failure when it cannot be used: who had a cluster does not go on without.
   */
  read(): void {
    const { folder } = this.options;
    if (folder === undefined || !existsSync(folder)) return;
    try {
      const registry = readRegistry(folder);
      this.#identity = { registry, authority: Authority.read(folder, registry.cluster) };
    } catch (error) {
      const remedy = "restore it from a backup, or remove the folder and let all nodes join a new cluster";
      throw new Failure(ErrorName.Failed, `the cluster in '${folder}' cannot be used: ${describe(error)}; ${remedy}`);
    }
  }

  /** Makes a cluster. @throws Failure when there is one, or no folder to keep it in. */
  async make(name: string): Promise<Identity> {
    if (this.#identity)
      throw new Failure(ErrorName.Failed, `there is a cluster already: '${this.known.registry.cluster}'`);
    const registry = new Registry(name);
    const more = { [registryFile]: registry.print() };
    const times = { nowMs: this.nowMs, lifetimeMs: this.options.lifetimeMs() };
    this.#identity = { registry, authority: await Authority.make(this.#folder, name, { ...times, more }) };
    return this.#identity;
  }

  /** Makes a change when those before it are done. @returns once it is on the disk. @throws what it throws. */
  async change<T>(make: () => Promise<T>): Promise<T> {
    const made = this.#turn.then(make);
    this.#turn = made.catch(() => {});
    const result = await made;
    await this.#save();
    return result;
  }

  async #save(): Promise<void> {
    if (!this.#identity || this.known.registry.changes === this.#written) return;
    this.#writing ??= new Promise<void>((resolve, reject) => {
      setImmediate(() => {
        this.#writing = undefined;
        try {
          const { registry } = this.known;
          writePrivate(join(this.#folder, registryFile), registry.print());
          this.#written = registry.changes;
          resolve();
        } catch (error) {
          reject(new Failure(ErrorName.Failed, `the change cannot be kept: ${describe(error)}`));
        }
      });
    });
    await this.#writing;
  }

  get #folder(): string {
    const { folder } = this.options;
    if (folder !== undefined) return folder;
    const message = "there is nowhere to keep a cluster: no $STATE_DIRECTORY, which StateDirectory= of the unit sets";
    throw new Failure(ErrorName.Failed, message);
  }
}

function readRegistry(folder: string): Registry {
  const text = readPrivate(join(folder, registryFile));
  if (text === undefined) throw new Error(`${registryFile} is missing`);
  try {
    return Registry.parse(text);
  } catch (error) {
    throw new Error(`${registryFile} is damaged: ${describe(error)}`);
  }
}
