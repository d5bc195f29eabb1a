import { expect, test } from "bun:test";
import { FakeClock } from "../base/fake-clock.ts";
import { emptyPlan } from "./codec.ts";
import { FrameType } from "./frame.ts";
import { Link } from "./link.ts";
import type { Transport } from "./transport.ts";

const ofType = { hurried: 30, patient: 31 };

/** A link, its writes, and the types of the frames in each. */
function world() {
  const writes: number[][] = [];
  const raw: Uint8Array[] = [];
  const transport: Transport = {
    ...{ peer: "", local: true, secure: false, queuedBytes: 0 },
    write(bytes) {
      raw.push(bytes);
      writes.push([...bytes].filter((_, index) => index % 4 === 3));
    },
    start() {},
    pause() {},
    resume() {},
    close() {},
    abort() {},
  };
  const clock = new FakeClock();
  const user = { frame() {}, drained() {}, ended() {} };
  const link = new Link(transport, { clock, limits: { maxFrame: 99, maxQueuedBytes: 99 }, frameLimit: 99, user });
  const send = (what: keyof typeof ofType) =>
    void link.send(ofType[what], undefined, emptyPlan, {}, what === "hurried");
  return { writes, raw, clock, link, send };
}

test("a frame in no hurry leaves before the next one, in one write with it", async () => {
  const { writes, clock, send } = world();
  send("patient");
  await undefined;
  clock.advance(99);
  expect(writes).toEqual([]);
  send("hurried");
  send("patient");
  await undefined;
  expect(writes).toEqual([[ofType.patient, ofType.hurried, ofType.patient]]);
  clock.advance(100);
  expect(writes).toHaveLength(1);
  expect(clock.pending).toBe(0);
});

test("a frame that no other follows leaves by itself soon, and at the end of the link at once", () => {
  const { writes, clock, link, send } = world();
  send("patient");
  clock.advance(100);
  expect(writes).toEqual([[ofType.patient]]);
  send("patient");
  link.close();
  expect(writes).toEqual([[ofType.patient], [ofType.patient]]);
  expect(clock.pending).toBe(0);
});

test("heartbeats are the same bytes each time, and leave together with what is queued", async () => {
  const { writes, raw, link, send } = world();
  link.beat();
  link.beat();
  expect(writes).toEqual([[FrameType.heartbeat], [FrameType.heartbeat]]);
  expect(raw[0]).toBe(raw[1] as Uint8Array);
  send("hurried");
  link.beat();
  await undefined;
  expect(writes.at(-1)).toEqual([ofType.hurried, FrameType.heartbeat]);
  expect(link.takenBytes).toBe(16);
  link.close();
  link.beat();
  expect(writes).toHaveLength(3);
});
