import { type Frame, FrameType } from "./frame.ts";
import { type GreetOptions, greet } from "./greet.ts";
import { magic, protocol, readRefusal } from "./hello.ts";
import { planOf } from "./plan.ts";
import { Reader, WireError } from "./reader.ts";
import type { Transport } from "./transport.ts";

/** Fields of the frames by which a host becomes a node. */
export const enrolPlan = planOf({ magic: "s", protocol: "q", node: "s", version: "s", secret: "ay", request: "ay" });
export const enrolledPlan = planOf({ cluster: "s", certificate: "s", authorities: "as" });
export const pendingPlan = planOf({ retryMs: "u" });

/**
 * How long the decision on a request may take, in ms: signatures are made in threads of their own, which a busy machine runs
 * late, and the change is on the disk before it is answered.
 */
export const enrolTimeoutMs = 20_000;

/** What a host says that wants to become a node. */
export interface EnrolmentRequest {
  readonly node: string;
  /** Of the token; empty when there is none, and somebody has to approve. */
  readonly secret: Uint8Array;
  /** The request for a certificate (RFC 2986), which has the host's public key. */
  readonly request: Uint8Array;
}

/** A host has become a node. */
interface Enrolled {
  readonly cluster: string;
  /** PEM: the node's certificate. */
  readonly certificate: string;
  /** PEM: the authorities that it shall believe. */
  readonly authorities: readonly string[];
}

/** Nobody has decided yet. */
interface Pending {
  /** When to ask again, in ms. */
  readonly retryMs: number;
}

export type EnrolmentAnswer = Enrolled | Pending;

/** @throws WireError when the frame is none of ours. */
export function readEnrol(frame: Frame): EnrolmentRequest & { readonly protocol: number; readonly version: string } {
  const fields = new Reader(frame.payload).fields(enrolPlan) as unknown as ReturnType<typeof readEnrol> & {
    magic: string;
  };
  if (fields.magic !== magic) throw new WireError("the request to join is not one of ours");
  return fields;
}

/**
 * Asks a controller for a certificate, over a new connection, which is closed then. Who calls has made sure that it is the right
 * controller: it is told the secret.
 * @throws Failure with the controller's error name and message when it refuses, else as `greet`, after `enrolTimeoutMs`.
 */
export function enrol(
  transport: Transport,
  request: EnrolmentRequest & { readonly version: string },
  options: GreetOptions,
): Promise<EnrolmentAnswer> {
  const values = { magic, protocol, ...request };
  const patient = { ...options, timeoutMs: enrolTimeoutMs };
  return greet(transport, { type: FrameType.enrol, plan: enrolPlan, values }, patient, (frame, link) => {
    const answer = readAnswer(frame);
    link.close();
    return answer;
  });
}

function readAnswer(frame: Frame): EnrolmentAnswer {
  const reader = new Reader(frame.payload);
  switch (frame.type) {
    case FrameType.refuse:
      throw readRefusal(frame);
    case FrameType.enrolled:
      return reader.fields(enrolledPlan) as unknown as Enrolled;
    case FrameType.pending:
      return reader.fields(pendingPlan) as unknown as Pending;
    default:
      throw new WireError("the first frame answers no request to join");
  }
}
