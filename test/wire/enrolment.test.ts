import { expect, test } from "bun:test";
import { ErrorName, Failure } from "../../src/base/failure.ts";
import { FakeClock } from "../../src/base/fake-clock.ts";
import { enrol, enrolTimeoutMs } from "../../src/wire/enrolment.ts";
import { Acceptor, type AcceptorOptions } from "../../src/wire/handshake.ts";
import { helloTimeoutMs, maxHello } from "../../src/wire/hello.ts";
import { MemoryNetwork } from "../../src/wire/memory.ts";

const enrolled = { cluster: "home", certificate: "certificate", authorities: ["new", "old"] };
const request = { node: "pi", secret: Buffer.alloc(32, 7), request: Buffer.alloc(300, 1), version: "1.0" };

/** A door whose controller decides so, and a host in front of it. */
function door(decide: AcceptorOptions["enrol"]) {
  const network = new MemoryNetwork({ seed: 5 });
  const clock = new FakeClock();
  const admit = () => {
    throw new Error("nobody says hello here");
  };
  const acceptor = new Acceptor({ clock, version: "1.0", admit, ...(decide && { enrol: decide }) });
  network.listen((transport) => acceptor.accept(transport));
  const ask = async (asked = request) => {
    const outcome = enrol(network.connect("pi"), asked, { clock }).catch(({ errorName, message }: Failure) => {
      return `${errorName}: ${message}`;
    });
    await network.settle();
    return { outcome, greeting: acceptor.greeting };
  };
  return { ask, network, clock, acceptor };
}

test("who asks for a certificate is heard, answered, and gone", async () => {
  const heard: unknown[] = [];
  const { ask } = door(async (asked, { peer }) => {
    heard.push({ ...asked, peer });
    return enrolled;
  });
  const { outcome, greeting } = await ask();
  expect(await outcome).toEqual(enrolled);
  expect(heard).toEqual([expect.objectContaining({ node: "pi", secret: new Uint8Array(32).fill(7), peer: "pi" })]);
  expect(greeting).toBe(0);
});

test("who has to be approved is told when to ask again", async () => {
  const { ask } = door(async () => ({ retryMs: 2000 }));
  expect(await (await ask()).outcome).toEqual({ retryMs: 2000 });
});

test("who is refused is told why", async () => {
  const { ask } = door(async () => {
    throw new Failure(ErrorName.AccessDenied, "the token has expired");
  });
  const { outcome, greeting } = await ask();
  expect(await outcome).toBe(`${ErrorName.AccessDenied}: the token has expired`);
  expect(greeting).toBe(0);
});

test("where there are no certificates to be had, that is said", async () => {
  const { ask } = door(undefined);
  expect(await (await ask()).outcome).toBe(`${ErrorName.Failed}: no certificates are given here`);
});

test("a decision may take longer than a hello", async () => {
  const decision = Promise.withResolvers<typeof enrolled>();
  const { ask, clock, network } = door(() => decision.promise);
  const { outcome } = await ask();
  clock.advance(helloTimeoutMs);
  await network.settle();
  decision.resolve(enrolled);
  await network.settle();
  expect(await outcome).toEqual(enrolled);
});

test("a decision that takes too long keeps nobody at the door", async () => {
  const { ask, clock, network, acceptor } = door(() => new Promise(() => {}));
  const { outcome, greeting } = await ask();
  expect(greeting).toBe(1);
  clock.advance(enrolTimeoutMs);
  await network.settle();
  expect(await outcome).toStartWith(`${ErrorName.NoReply}: `);
  expect(acceptor.greeting).toBe(0);
});

test("a request larger than any that is sane is not read", async () => {
  const { ask } = door(async () => enrolled);
  const { outcome } = await ask({ ...request, request: Buffer.alloc(maxHello) });
  expect(await outcome).toBe(`${ErrorName.Disconnected}: connection lost`);
});
