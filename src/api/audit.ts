import type { Clock, Timer } from "../base/clock.ts";
import type { Failure } from "../base/failure.ts";
import type { Log } from "../base/log.ts";
import { afterTurn } from "../base/turn.ts";
import type { Identity } from "../bus/callers.ts";

// Bounds: of calls that are denied, maxDenials of one user in a period have an entry each; the rest is counted, and the count
// said at the period's end. What is allowed has an entry for each call.

const maxDenials = 100;
const periodMs = 10_000;
/** Characters of a text that comes from callers. */
const maxText = 256;

/** What finds audits of calls in the journal: `journalctl MESSAGE_ID=...`. */
export const auditMessageId = "3b7c1f2a9e5d4c0c8a64d2f19c7be351";

/** What somebody has called for. */
export interface Deed {
  /** Undefined when the caller has left before the bus could tell. */
  readonly who: Identity | undefined;
  readonly method: string;
  readonly verb: string;
  readonly action: string;
  readonly node?: string | undefined;
  readonly unit?: string | undefined;
  readonly jobId?: number | undefined;
}

/** Writes down who has done what, and how it ended: one entry for each call that changes something. */
export class Audit {
  readonly #log: Log;
  readonly #clock: Clock;
  /** By user, in this period. */
  readonly #denials = new Map<number | undefined, number>();
  #timer: Timer | undefined;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** @param result how it ended: `done`, or as the job did. */
  ended(deed: Deed, result: string): void {
    this.#note(deed, result, result);
  }

  /** The caller got an error. */
  failed(deed: Deed, { errorName, message }: Failure): void {
    this.#note(deed, "error", message, errorName);
  }

  /** The caller may not. */
  denied(deed: Deed, { errorName, message }: Failure): void {
    const uid = deed.who?.uid;
    const count = (this.#denials.get(uid) ?? 0) + 1;
    this.#denials.set(uid, count);
    this.#timer ??= this.#clock.after(periodMs, () => this.flush());
    if (count <= maxDenials) this.#note(deed, "denied", `denied: ${message}`, errorName);
  }

  /** Says at once what has only been counted. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const [uid, count] of this.#denials) {
      if (count <= maxDenials) continue;
      const more = String(count - maxDenials);
      const who = uid === undefined ? {} : { BLUECHI_CALLER_UID: String(uid) };
      const fields = { MESSAGE_ID: auditMessageId, ...who, BLUECHI_RESULT: "denied", BLUECHI_MORE: more };
      this.#log.audit(`uid ${uid ?? "unknown"}: ${more} more calls denied`, fields);
    }
    this.#denials.clear();
  }

  /** Callers do not wait for what is written about them: to make an entry, and to wake journald, takes longer than to answer. */
  #note(deed: Deed, result: string, outcome: string, error?: string): void {
    afterTurn(() => this.#write(deed, result, outcome, error));
  }

  /** Each job has an entry, so it is made without lists of its fields on the way. */
  #write(deed: Deed, result: string, outcome: string, error?: string): void {
    const { who, method, verb, action, jobId } = deed;
    const node = clipped(deed.node);
    const unit = clipped(deed.unit);
    const fields: Record<string, string> = {
      MESSAGE_ID: auditMessageId,
      BLUECHI_METHOD: method,
      BLUECHI_ACTION: action,
      BLUECHI_VERB: verb,
      BLUECHI_RESULT: clip(result),
    };
    if (who) fields.BLUECHI_CALLER_UID = String(who.uid);
    if (who?.pid) fields.BLUECHI_CALLER_PID = String(who.pid);
    if (who?.unit) fields.BLUECHI_CALLER_UNIT = clip(who.unit);
    if (node) fields.BLUECHI_NODE = node;
    if (unit) fields.BLUECHI_UNIT = unit;
    if (jobId !== undefined) fields.BLUECHI_JOB_ID = String(jobId);
    if (error !== undefined) fields.BLUECHI_ERROR = clip(error);
    this.#log.audit(`${whoText(who)}: ${inWords(verb, unit, node, jobId)}: ${clip(outcome)}`, fields);
  }
}

function whoText(who: Identity | undefined): string {
  if (!who) return "a caller that has left";
  return `uid ${who.uid} (pid ${who.pid || "unknown"}${who.unit && `, ${who.unit}`})`;
}

/** What is done, in words: `start 'web.service' on node 'pi' (job 12)`. */
export function deedText({ verb, node, unit, jobId }: Pick<Deed, "verb" | "node" | "unit" | "jobId">): string {
  return inWords(verb, clipped(unit), clipped(node), jobId);
}

function inWords(verb: string, unit: string | undefined, node: string | undefined, jobId: number | undefined): string {
  const what = unit === undefined ? verb : `${verb} '${unit}'`;
  const where = node === undefined ? what : `${what} on node '${node}'`;
  return jobId === undefined ? where : `${where} (job ${jobId})`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is meant.
const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const allUnprintable = new RegExp(unprintable, "g");

/** A caller's text, short, and on one line: nobody writes what looks like an entry of somebody else. */
function clip(text: string): string {
  const line = unprintable.test(text) ? text.replaceAll(allUnprintable, "?") : text;
  return line.length > maxText ? `${line.slice(0, maxText)}...` : line;
}

const clipped = (text: string | undefined) => (text === undefined ? undefined : clip(text));
