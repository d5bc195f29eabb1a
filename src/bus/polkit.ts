import { describe, ErrorName, Failure } from "../base/failure.ts";
import type { BusConnection } from "./connection.ts";
import { encodeBody } from "./marshal.ts";
import { decodeBody } from "./unmarshal.ts";

const authority = {
  destination: "org.freedesktop.PolicyKit1",
  path: "/org/freedesktop/PolicyKit1/Authority",
  interface: "org.freedesktop.PolicyKit1.Authority",
} as const;

/** How long polkit may take, and how long where it asks somebody for a password: less than callers then wait. */
const answerMs = 10_000;
const interactiveAnswerMs = 120_000;
const allowUserInteraction = 1;

export interface Question {
  /** The unique name of who wants to. */
  readonly sender: string;
  readonly action: string;
  /** What rules see besides (`action.lookup()`). */
  readonly details: Readonly<Record<string, string>>;
  readonly interactive: boolean;
}

/** `authenticate`: who wants to may, but has to give a password first. */
export type Verdict = "yes" | "no" | "authenticate";

let questions = 0;

/**
 * Asks polkit whether somebody may do something (org.freedesktop.PolicyKit1.Authority, CheckAuthorization).
 * @throws Failure AccessDenied, which says why, when it cannot be asked or does not answer in time.
 */
export async function askPolkit(connection: Pick<BusConnection, "call">, question: Question): Promise<Verdict> {
  const { sender, action, details, interactive } = question;
  const subject = ["system-bus-name", new Map([["name", { signature: "s", value: sender }]])];
  const flags = interactive ? allowUserInteraction : 0;
  const cancellation = `bluechi-${++questions}`;
  const args = [subject, action, new Map(Object.entries(details)), flags, cancellation];
  const body = encodeBody("(sa{sv})sa{ss}us", args);
  const timeoutMs = interactive ? interactiveAnswerMs : answerMs;
  try {
    const reply = await connection.call({ ...authority, member: "CheckAuthorization", body, timeoutMs });
    const [isAuthorized, isChallenge] = decodeBody(reply.body)[0] as [boolean, boolean, unknown];
    if (isAuthorized === true) return "yes";
    return isChallenge === true ? "authenticate" : "no";
  } catch (error) {
    if (error instanceof Failure && error.errorName === ErrorName.Timeout) cancel(connection, cancellation);
    throw new Failure(ErrorName.AccessDenied, `polkit cannot be asked: ${describe(error)}`);
  }
}

/** Takes a question back, so that nobody is asked for a password any more that nobody waits for. */
function cancel(connection: Pick<BusConnection, "call">, cancellation: string): void {
  const body = encodeBody("s", [cancellation]);
  connection.call({ ...authority, member: "CancelCheckAuthorization", body, noReply: true }).catch(() => {
    // On a bus that is gone nobody is asked any more, either.
  });
}
