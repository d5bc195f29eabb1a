import { ErrorName, Failure } from "../base/failure.ts";
import { compressionFeature } from "./compression.ts";
import { type Frame, FrameType } from "./frame.ts";
import { planOf } from "./plan.ts";
import { Reader, WireError } from "./reader.ts";
import type { Agreement } from "./session.ts";

/** The protocol number grows when a peer has to know that the other side is newer; features cover the rest. */
export const protocol = 1;
/** The oldest protocol that is still spoken. */
export const oldestProtocol = 1;
/** Optional behaviour that this version has, a bit each. */
export const features = compressionFeature;

export const magic = "bluechi";
/** The fields of the frames before a session. The first ones of each never change. */
export const helloPlan = planOf({
  magic: "s",
  protocol: "q",
  features: "u",
  node: "s",
  version: "s",
  heartbeatIntervalMs: "u",
  agent: "t",
  attempt: "u",
});
export const welcomePlan = planOf({ protocol: "q", features: "u", version: "s", heartbeatIntervalMs: "u" });
export const refusePlan = planOf({ error: "s", message: "s" });

/** Bytes of payload in a frame before the hello is accepted. */
export const maxHello = 4096;
/** How long either side waits for the other's first frame; longer when it comes too late to look for it. */
export const helloTimeoutMs = 5000;
/** Which of an agent's attempts to connect this is. */
export interface Origin {
  /** A random number that tells one run of an agent from all others; 0 when it is not told. */
  readonly agent: bigint;
  /** Grows with each attempt. Of one that was given up the hello may still arrive, after the next one's. */
  readonly attempt: number;
}

/** What an agent says first. */
export interface Hello extends Origin {
  readonly protocol: number;
  readonly features: number;
  readonly node: string;
  readonly version: string;
  /** How often the agent sends heartbeats, 0 for never. */
  readonly heartbeatIntervalMs: number;
  /** Whether this is a probe: the agent only asks whether it would be admitted, and no session follows. */
  readonly probe: boolean;
}

/** @throws WireError when the frame is neither a hello nor a probe. */
export function readHello(frame: Frame): Hello {
  const probe = frame.type === FrameType.probe;
  if (frame.type !== FrameType.hello && !probe) throw new WireError("the first frame is no hello");
  const hello = new Reader(frame.payload).fields(helloPlan) as unknown as Omit<Hello, "probe"> & { magic: string };
  if (hello.magic !== magic) throw new WireError("the hello is not one of ours");
  return { ...hello, probe };
}

/** What the controller agreed to. @throws Failure when it refuses, or speaks what is not spoken here. */
export function readWelcome(frame: Frame): Agreement {
  const reader = new Reader(frame.payload);
  if (frame.type === FrameType.refuse) throw readRefusal(frame);
  if (frame.type !== FrameType.welcome) throw new WireError("the first frame is no welcome");
  const { version, ...agreed } = reader.fields(welcomePlan) as unknown as Omit<Hello, "node" | "probe" | keyof Origin>;
  if (agreed.protocol < oldestProtocol || agreed.protocol > protocol) {
    throw new Failure(ErrorName.Failed, `the controller speaks protocol ${agreed.protocol}, which is not spoken here`);
  }
  return { ...agreed, peerVersion: version };
}

/** Why the controller refuses. */
export function readRefusal(frame: Frame): Failure {
  const { error, message } = new Reader(frame.payload).fields(refusePlan) as { error: string; message: string };
  return new Failure(error || ErrorName.Failed, message);
}
