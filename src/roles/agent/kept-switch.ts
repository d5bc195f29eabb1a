import { readFileSync, statSync } from "node:fs";
import { describe } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import { removePrivate, writePrivate } from "../../identity/private-files.ts";
import { parseAddress } from "../../wire/address.ts";

/** Bytes that the file may have. A larger one is ignored. */
const maxBytes = 4096;

/**
 * The address that the agent was switched to, kept in a file for the agent that starts next. Trouble with the file is
 * logged and nothing more: an agent that has forgotten where it was switched to goes where its configuration says.
 */
export class KeptSwitch {
  readonly #path: string;
  readonly #log: Log;

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  /**
   * The address that was kept last; undefined when there is none, or none that can be used.
   * @param permit throws for an address that may not be used any more.
   */
  read(permit: (address: string) => void): string | undefined {
    try {
      const size = statSync(this.#path, { throwIfNoEntry: false })?.size;
      if (size === undefined) return undefined;
      if (size > maxBytes) throw new Error(`it has ${size} bytes`);
      const address = readFileSync(this.#path, "utf8").trimEnd();
      parseAddress(address);
      permit(address);
      return address;
    } catch (error) {
      this.#log.warn(`The controller that was switched to is ignored, as '${this.#path}' is bad: ${describe(error)}`);
      return undefined;
    }
  }

  /**
   * Keeps an address, undefined for none, so that a power loss leaves either what was kept before or this one. Nonsense,
   * which could not be left again from afar, is not kept: what was kept before stays.
   */
  keep(address: string | undefined): void {
    try {
      if (address === undefined) removePrivate(this.#path);
      else {
        parseAddress(address);
        writePrivate(this.#path, `${address}\n`);
      }
    } catch (error) {
      this.#log.warn(`The next start of the agent will not know of this switch: ${describe(error)}`);
    }
  }
}
