// What becomes of bytes that a peer sends, in words: for fuzzing, and for the corpus of what has been found.
import { FakeClock } from "../../src/base/fake-clock.ts";
import { rows } from "../../src/wire/codec.ts";
import { compressionFeature } from "../../src/wire/compression.ts";
import { FrameType, headerSize } from "../../src/wire/frame.ts";
import { Acceptor, join } from "../../src/wire/handshake.ts";
import { helloPlan, welcomePlan } from "../../src/wire/hello.ts";
import { MemoryNetwork } from "../../src/wire/memory.ts";
import type { MessageName } from "../../src/wire/messages.ts";
import type { Plan } from "../../src/wire/plan.ts";
import { Reader, WireError, zero } from "../../src/wire/reader.ts";
import type { Session, SessionOwner } from "../../src/wire/session.ts";
import type { Side } from "../../src/wire/table.ts";
import type { Transport } from "../../src/wire/transport.ts";
import { Writer } from "../../src/wire/writer.ts";
import { encode, plans } from "./arbitrary.ts";
import { handlersOf } from "./handlers.ts";

export const sides = ["controller", "agent"] as const;
const ignored = { data: () => {}, drained: () => {}, closed: () => {} };

/** A frame, byte for byte. */
export function frameOf(type: number, serial: number | undefined, plan: Plan, values: object): Uint8Array {
  const writer = new Writer();
  if (serial !== undefined) writer.varint(serial);
  writer.fields(plan, values);
  const payload = writer.take();
  const header = Buffer.alloc(headerSize);
  header.writeUIntLE(payload.length, 0, 3);
  header[3] = type;
  return Buffer.concat([header, payload]);
}

/** The fields of a plan, each zero. */
const zeros = (plan: Plan) => Object.fromEntries(plan.map(({ name, type }) => [name, zero(type)]));

const greetings = {
  controller: frameOf(FrameType.hello, undefined, helloPlan, {
    ...zeros(helloPlan),
    magic: "bluechi",
    protocol: 1,
    features: compressionFeature,
  }),
  agent: frameOf(FrameType.welcome, undefined, welcomePlan, {
    ...zeros(welcomePlan),
    protocol: 1,
    features: compressionFeature,
  }),
};

/** What a session of a side makes of bytes, while every request of its own waits for an answer. */
export async function heard(side: Side, data: Uint8Array): Promise<string> {
  const network = new MemoryNetwork({ seed: 1 });
  const clock = new FakeClock();
  const ended: string[] = [];
  const own: { session?: Session<Side>; peer?: Transport } = {};
  const owner = <S extends Side>(ofSide: S): SessionOwner<S> => ({
    handlers: handlersOf(ofSide),
    heartbeat: { intervalMs: 0, thresholdMs: 0 },
    onSession: (session) => void Object.assign(own, { session }),
    onClose: (reason) => void ended.push(reason),
  });
  if (side === "controller") {
    const acceptor = new Acceptor({ clock, version: "1", admit: () => owner("controller") });
    network.listen((transport) => acceptor.accept(transport));
    own.peer = network.connect("peer");
    own.peer.start(ignored);
    own.peer.write(greetings.controller.slice());
  } else {
    network.listen((transport) => {
      own.peer = transport;
      transport.start(ignored);
      transport.write(greetings.agent.slice());
    });
    await Promise.all([
      join(network.connect("peer"), { ...owner("agent"), clock, node: "", version: "1" }),
      network.settle(),
    ]);
  }
  await network.settle();
  for (const { name, from, kind, fields } of Object.values(rows)) {
    if (from !== side || kind !== "request") continue;
    const call = own.session?.call as (this: unknown, name: MessageName, fields: object) => Promise<unknown>;
    call.call(own.session, name, zeros(fields)).catch(() => {});
  }
  own.peer?.write(data.slice());
  await network.settle();
  const outcome = ended[0] ?? "goes on";
  own.session?.close("the end");
  await network.settle();
  return outcome;
}

/**
 * What a decoder makes of bytes: `read`, or why it refuses them.
 * @throws Error when it fails in another way, or reads what does not write and read again.
 */
export function decoded(plan: Plan, data: Uint8Array): string {
  try {
    const values = new Reader(data).fields(plan);
    if (Bun.deepEquals(new Reader(encode(plan, values)).fields(plan), values)) return "read";
    throw new Error(`${JSON.stringify(values)} is not read again as it was written`);
  } catch (thrown) {
    if (thrown instanceof WireError) return `refused: ${thrown.message}`;
    throw thrown;
  }
}

/** What becomes of bytes that come to a side (`controller`, `agent`) after its greeting, or as the fields of a plan. */
export async function replay(to: string, data: Uint8Array): Promise<string> {
  const side = sides.find((name) => name === to);
  if (side) return heard(side, data);
  const plan = plans.find(([name]) => name === to)?.[1];
  if (plan === undefined) throw new Error(`${to} is neither a side nor a plan`);
  return decoded(plan, data);
}
