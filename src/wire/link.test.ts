import { expect, test } from "bun:test";
import { FakeClock } from "../base/fake-clock.ts";
import { emptyPlan } from "./codec.ts";
import { Link } from "./link.ts";
import type { Transport } from "./transport.ts";

const ofType = { hurried: 30, patient: 31 };

/** A link, and the types of the frames in each write. */
function world() {
  const writes: number[][] = [];
  const transport: Transport = {
    ...{ peer: "", local: true, secure: false, queuedBytes: 0 },
    write: (bytes) => void writes.push([...bytes].filter((_, index) => index % 4 === 3)),
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
  return { writes, clock, link, send };
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
