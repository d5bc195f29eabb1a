import { event, type FieldValues, request, type Side } from "./table.ts";

/**
 * Every message between an agent and the controller. Codec, dispatch, types, docs/PROTOCOL.md, the lock and the fuzzers
 * are made from this table. Rows and fields are only appended, ids never used again (protocol.lock keeps the record).
 * Ids 0 to 15 belong to the frames that every version understands (frame.ts).
 */
export const messages = {
  // The controller asks an agent.
  startJob: request(
    16,
    "controller",
    { jobId: "u", type: "s", unit: "s", mode: "s" },
    { job: "s", startedMonotonicUs: "t", boot: "t" },
  ),
  cancelJob: request(17, "controller", { jobId: "u" }, {}),
  callManager: request(18, "controller", { method: "s", arguments: "body" }, { result: "body" }),
  getUnitProperties: request(19, "controller", { unit: "s", interface: "s" }, { properties: "body" }),
  getUnitProperty: request(20, "controller", { unit: "s", interface: "s", property: "s" }, { value: "body" }),
  subscribe: request(21, "controller", { unit: "s" }, { loaded: "b", activeState: "s", subState: "s" }),
  unsubscribe: event(22, "controller", { unit: "s" }),
  startDependency: request(23, "controller", { unit: "s" }, { result: "s" }),
  stopDependency: request(24, "controller", { unit: "s" }, {}),
  setLogLevel: request(25, "controller", { level: "s" }, {}),
  setMetrics: event(26, "controller", { enabled: "b" }),
  keepDependencies: request(27, "controller", { units: "as" }, {}),
  // The first message of a session: an agent that knows this controller tells again what it has to tell of its jobs.
  resumeJobs: request(28, "controller", { controller: "t" }, {}),
  findJob: request(
    29,
    "controller",
    { jobId: "u", type: "s", unit: "s", job: "s", startedMonotonicUs: "t", boot: "t" },
    // No result as long as it has not ended.
    { result: "s", why: "s" },
  ),
  forgetJob: event(30, "controller", { jobId: "u" }),
  // Answered at once by an agent that lives, whatever its systemd is busy with.
  ping: request(31, "controller", {}, {}),

  // What becomes of a proxy's target, for the agent that announced the proxy.
  proxyTargetActivated: event(32, "controller", { proxyId: "u", result: "s", message: "s" }),
  proxyTargetChanged: event(33, "controller", { proxyId: "u", activeState: "s", subState: "s", reason: "s" }),
  proxyTargetRemoved: event(34, "controller", { proxyId: "u", reason: "s" }),
  // Its node has been away for long, and the source's node is not to wait for it.
  proxyTargetLost: event(35, "controller", { proxyId: "u", message: "s" }),
  // Whom an agent has to believe from now on, in PEM; the last one issues certificates. Told to those with a certificate.
  authoritiesChanged: event(36, "controller", { authorities: "as" }),

  // An agent asks the controller.
  createProxy: request(48, "agent", { proxyId: "u", node: "s", unit: "s" }, {}),
  removeProxy: event(49, "agent", { proxyId: "u" }),
  // For another certificate, with a request for one in DER (RFC 2986). The answer is in PEM, as above.
  renewCertificate: request(50, "agent", { request: "ay" }, { certificate: "s", authorities: "as" }),

  // An agent tells the controller.
  jobStateChanged: event(64, "agent", { jobId: "u", state: "s" }),
  jobRemoved: event(65, "agent", { jobId: "u", result: "s" }),
  jobMeasured: event(66, "agent", { unit: "s", method: "s", microseconds: "t" }),
  unitNew: event(67, "agent", { unit: "s" }),
  unitRemoved: event(68, "agent", { unit: "s" }),
  unitStateChanged: event(69, "agent", { unit: "s", activeState: "s", subState: "s" }),
  unitPropertiesChanged: event(70, "agent", { unit: "s", interface: "s", properties: "body" }),
} as const;

type Messages = typeof messages;
export type MessageName = keyof Messages;

/** The names of the requests, or the events, that `S` sends. */
export type RequestFrom<S extends Side> = {
  [N in MessageName]: Messages[N] extends { kind: "request"; from: S } ? N : never;
}[MessageName];
export type EventFrom<S extends Side> = {
  [N in MessageName]: Messages[N] extends { kind: "event"; from: S } ? N : never;
}[MessageName];

export type FieldsOf<N extends MessageName> = FieldValues<Messages[N]["fields"]>;
export type ReplyOf<N extends MessageName> = Messages[N] extends { reply: infer R extends Record<string, string> }
  ? FieldValues<R>
  : never;

type Other<S extends Side> = S extends "agent" ? "controller" : "agent";

/** What a side has to do with all that the other may send: a forgotten message does not compile. */
export type Handlers<S extends Side> = {
  [N in RequestFrom<Other<S>>]: (fields: FieldsOf<N>) => ReplyOf<N> | Promise<ReplyOf<N>>;
} & { [N in EventFrom<Other<S>>]: (fields: FieldsOf<N>) => void };
