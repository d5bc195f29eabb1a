import { asFailure, describe, ErrorName, Failure } from "../base/failure.ts";
import { Callers, type Identity } from "../bus/callers.ts";
import type { BusConnection } from "../bus/connection.ts";
import { askPolkit } from "../bus/polkit.ts";
import type { Called } from "../bus/serve.ts";
import { type Access, actionId, type Privileged, type PublicInterface } from "./access.ts";
import { type Audit, type Deed, deedText } from "./audit.ts";

/** The longest text that polkit's rules are shown. */
const maxDetail = 4096;

/** What not everybody may who may read. */
type Guarded = Exclude<Access, "read">;

/** What an object is about, as far as it matters for who may call it. */
export interface About {
  readonly node?: string;
  readonly unit?: string;
  readonly jobId?: number;
  /** The unique name of who has made it. */
  readonly owner?: string;
}

/** A job that a call has made; who made it may cancel it. */
interface Job {
  readonly id: number;
  onEnded?: (result: string) => void;
}

interface GatekeeperOptions {
  readonly connection: Pick<BusConnection, "call">;
  readonly audit: Audit;
  /** The job at a path. */
  readonly job: (path: string) => Job | undefined;
}

/**
 * Decides who may call what on one connection, by the tables of the API, and has what changes something audited. Whom the
 * bus lets through may read. For the rest root, and the user that we run as, are not asked; others are when polkit says so.
 * The bus is asked once who a caller is; until that is known, or polkit has decided, the caller's next calls wait.
 */
export class Gatekeeper {
  readonly #options: GatekeeperOptions;
  readonly #callers: Callers;
  /** The unique names of who has made the jobs that go on. */
  readonly #makers = new Map<number, string>();

  constructor(options: GatekeeperOptions) {
    this.#options = options;
    this.#callers = new Callers(options.connection);
  }

  /** Lets a call pass, now or later. @throws Failure AccessDenied, InteractiveAuthorizationRequired. */
  pass(called: Called<About>): unknown {
    const access = (called.table as PublicInterface).methods[called.member]?.access ?? "root";
    if (access === "read" || (access === "owner" && this.#owns(called))) return called.run();
    const who = this.#callers.get(called.caller.sender);
    if (who instanceof Promise || !isTrusted(who)) return this.#decide(access, who, called);
    return this.#perform(access, who, called);
  }

  async #decide(access: Guarded, asked: Identity | Promise<Identity>, called: Called<About>): Promise<unknown> {
    const decided = Promise.withResolvers<void>();
    called.hold(decided.promise);
    let who: Identity | undefined;
    try {
      who = await asked;
      if (!isTrusted(who)) await this.#authorize(access, who, called);
      // What it answers is not waited for: the next call of the same caller may go on.
      return this.#perform(access, who, called);
    } catch (thrown) {
      const denial = asFailure(thrown);
      await who?.settled;
      if (typeof access !== "string") this.#options.audit.denied(deedOf(access, called, who), denial);
      throw who ? denial : new Failure(ErrorName.AccessDenied, `Access denied to who is not known: ${denial.message}`);
    } finally {
      decided.resolve();
    }
  }

  async #authorize(access: Guarded, { uid }: Identity, called: Called<About>): Promise<void> {
    if (access === "root") throw denial("only root may do this");
    if (access === "owner") throw denial("only root may use what somebody else has made");
    if (access.owner && this.#owns(called)) return;
    const { verb, node, unit } = deedOf(access, called, undefined);
    const what = deedText({ verb, node, unit });
    const action = actionId(access.action);
    const details = detailsOf({ verb, node, unit, "polkit.message": `Authentication is required to ${what}.` });
    if (Object.values(details).some((text) => text.length > maxDetail))
      throw denial(`to ${what} has arguments that are too long for polkit's rules`);
    const { sender, interactive } = called.caller;
    const verdict = await askPolkit(this.#options.connection, { sender, action, details, interactive }).catch(
      (error) => {
        throw denial(`only root may ${what}, as ${describe(error)}`);
      },
    );
    if (verdict === "yes") return;
    if (verdict === "no") throw denial(`polkit does not allow uid ${uid} to ${what} (${action})`);
    if (interactive) throw denial(`nobody could be asked for a password to ${what} (${action})`);
    const message = `Interactive authentication is required to ${what} (${action}), which the call does not allow`;
    throw new Failure(ErrorName.InteractiveAuthorizationRequired, message);
  }

  /** Runs a method for who may call it, and has audited what it changes. */
  async #perform(access: Guarded, who: Identity, called: Called<About>): Promise<unknown> {
    if (typeof access === "string") return called.run();
    const { audit } = this.#options;
    const deed = deedOf(access, called, who);
    try {
      const answer = await called.run();
      // The caller waits, so that systemd still finds it. Its first call only: then it is known.
      await who.settled;
      if (access.job) this.#follow(deed, (answer as { job: string }).job, called.caller.sender);
      else audit.ended(deed, "done");
      return answer;
    } catch (thrown) {
      await who.settled;
      audit.failed(deed, asFailure(thrown));
      throw thrown;
    }
  }

  /** Has a job audited when it ends. */
  #follow(deed: Deed, path: string, sender: string): void {
    const job = this.#options.job(path);
    if (!job) throw new Error(`there is no job at ${path}`);
    this.#makers.set(job.id, sender);
    job.onEnded = (result) => {
      this.#makers.delete(job.id);
      this.#options.audit.ended({ ...deed, jobId: job.id }, result);
    };
  }

  #owns({ about, caller }: Called<About>): boolean {
    const owner = about?.jobId === undefined ? about?.owner : this.#makers.get(about.jobId);
    return owner === caller.sender;
  }
}

function isTrusted({ uid }: Identity): boolean {
  return uid === 0 || uid === process.getuid?.();
}

const denial = (why: string) => new Failure(ErrorName.AccessDenied, `Access denied: ${why}`);

function detailsOf(details: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(details).flatMap(([key, text]) => (text === undefined ? [] : [[key, text]])),
  );
}

function deedOf(access: Privileged, { table, member, args, about }: Called<About>, who: Identity | undefined): Deed {
  const { action, verb, unit, node } = access;
  return {
    who,
    method: `${table.name}.${member}`,
    action: actionId(action),
    verb,
    node: node === undefined ? about?.node : textOf(args[node]),
    unit: unit === undefined ? about?.unit : textOf(args[unit]),
    jobId: about?.jobId,
  };
}

/** The words of an argument: a list's with blanks between, which no unit has in its name. */
const textOf = (value: unknown): string => (Array.isArray(value) ? value.join(" ") : String(value));
