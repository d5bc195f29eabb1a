import { afterAll, expect, test } from "bun:test";
import { systemClock } from "../../src/base/clock.ts";
import { FakeClock } from "../../src/base/fake-clock.ts";
import { Acceptor } from "../../src/wire/handshake.ts";
import { helloTimeoutMs } from "../../src/wire/hello.ts";
import { Random } from "../../src/wire/random.ts";
import type { Session } from "../../src/wire/session.ts";
import { connect, listenTcp } from "../../src/wire/sockets.ts";
import type { Transport } from "../../src/wire/transport.ts";
import { handlersOf } from "./handlers.ts";
import { joinHalf } from "./worlds.ts";

// One controller on a real socket, one honest agent that works all the time, and hostile peers beside it.
const hello = "14000000" + "07626c7565636869" + "01" + "00" + "046e6f6465" + "04312e302d";
const clock = new FakeClock();
const ended: string[] = [];
const sessions: Session<"controller">[] = [];
let asked = 0;
const acceptor = new Acceptor({
  clock,
  version: "2v",
  limits: { highWaterBytes: 2 ** 20, maxQueuedBytes: 2 ** 23 },
  admit: () => ({
    handlers: handlersOf("controller", {
      createProxy: () => {
        asked++;
        return {};
      },
    }),
    heartbeat: { intervalMs: 0, thresholdMs: 0 },
    onSession: (session) => void sessions.push(session),
    onClose: (reason) => void ended.push(reason),
  }),
});
const doors: Transport[] = [];
const listener = await listenTcp(
  0,
  () => ({}),
  (transport) => {
    doors.push(transport);
    acceptor.accept(transport);
  },
);
const address = { kind: "tcp", host: "127.0.0.1", port: listener.port } as const;
const { session: honest } = await joinHalf(await connect(address), { clock: systemClock });
afterAll(() => {
  honest.close("done");
  listener.close();
});

/** The honest agent is answered, so it is undisturbed; and the loop has turned a few times meanwhile. */
async function undisturbed(): Promise<void> {
  for (let count = 0; count < 10; count++) {
    await honest.call("createProxy", { proxyId: 1, node: "n", unit: "u" });
  }
}

/** A peer that writes what it likes; `closed` resolves when it has been thrown out. */
async function hostile() {
  const transport = await connect(address);
  const { promise: closed, resolve } = Promise.withResolvers<string>();
  transport.start({ data: () => {}, drained: () => {}, closed: resolve });
  return { transport, closed, write: (hex: string) => transport.write(Buffer.from(hex, "hex")) };
}

const residentMiB = () => process.memoryUsage.rss() / 2 ** 20;

test("garbage", async () => {
  const random = new Random(11);
  for (let round = 0; round < 50; round++) {
    const peer = await hostile();
    peer.transport.write(Uint8Array.from({ length: 2000 }, (_, at) => (at === 1 ? 255 : random.below(256))));
    await peer.closed;
  }
  await undisturbed();
});

test("a valid hello, then garbage", async () => {
  const peer = await hostile();
  peer.write(`${hello}00000000${"ff".repeat(20)}`);
  await peer.closed;
  expect(ended.at(-1)).toStartWith("malformed frame:");
  await undisturbed();
});

test("huge lengths announced, before and after the hello, take no memory", async () => {
  const early = await hostile();
  early.write("ffffff00");
  await early.closed;
  const before = residentMiB();
  const peers = [];
  for (let count = 0; count < 100; count++) {
    const peer = await hostile();
    peer.write(`${hello}ffffff40`);
    peers.push(peer);
  }
  await undisturbed();
  // 100 frames of 16 MiB have been announced.
  expect(residentMiB() - before).toBeLessThan(100);
  for (const { transport } of peers) transport.abort();
  await undisturbed();
});

test("a hello byte by byte, too slowly", async () => {
  const peer = await hostile();
  for (let at = 0; at < 20; at += 2) {
    peer.write(hello.slice(at, at + 2));
    await undisturbed();
    clock.advance(helloTimeoutMs / 20);
  }
  clock.advance(helloTimeoutMs / 2);
  await peer.closed;
  await undisturbed();
});

test("an endless hello", async () => {
  const before = residentMiB();
  const peer = await hostile();
  peer.write("00100000");
  let thrownOut = false;
  void peer.closed.then(() => {
    thrownOut = true;
  });
  while (!thrownOut) {
    if (peer.transport.queuedBytes < 2 ** 20) peer.transport.write(new Uint8Array(64 * 1024));
    await undisturbed();
  }
  await undisturbed();
  expect(residentMiB() - before).toBeLessThan(50);
});

test("requests without end from a peer that never reads the answers: we stop reading them", async () => {
  const peer = await hostile();
  peer.transport.pause();
  peer.write(hello);
  await undisturbed();
  const door = doors.at(-1)!;
  // Requests of a type that nobody knows have the largest answers that can be had: 70 bytes for 6.
  const requests = Buffer.from("010000ff05".repeat(20_000), "hex");
  let stuck = 0;
  let most = 0;
  while (stuck < 20 && peer.transport.queuedBytes < 2 ** 26) {
    const before = peer.transport.queuedBytes;
    if (before < 2 ** 20) peer.transport.write(requests.slice());
    await undisturbed();
    most = Math.max(most, door.queuedBytes);
    stuck = before > 0 && peer.transport.queuedBytes >= before ? stuck + 1 : 0;
  }
  expect(stuck).toBe(20);
  expect(most).toBeGreaterThan(2 ** 20);
  expect(most).toBeLessThan(2 ** 20 + 2 ** 19);
  expect(sessions.at(-1)?.closed).toBe(false);
  // It goes on where it stopped as soon as the peer reads.
  peer.transport.resume();
  while (peer.transport.queuedBytes > 0) await undisturbed();
  peer.transport.abort();
});

test("events of types that nobody knows are skipped and counted", async () => {
  const peer = await hostile();
  peer.write(hello + "00000050".repeat(10_000));
  while ((sessions.at(-1)?.skippedEvents ?? 0) < 10_000) await undisturbed();
  peer.transport.abort();
  expect(asked).toBeGreaterThan(100);
});
