import { expect, test } from "bun:test";
import { ErrorName, Failure } from "../../base/failure.ts";
import { FakeClock } from "../../base/fake-clock.ts";
import { FakeSession } from "./fake-session.ts";
import { Node } from "./node.ts";
import { rollCall } from "./roll-call.ts";

/** A call of three nodes, each of which answers when a test has it answer. */
function call() {
  const clock = new FakeClock();
  const nodes = ["a", "b", "c"].map((name) => {
    const node = new Node(name, new Set(), clock);
    const session = new FakeSession();
    node.connected(session.session, "");
    return { node, session, answer: Promise.withResolvers<string>() };
  });
  const offline = new Node("d", new Set(), clock);
  const ask = (node: Node) => {
    const asked = nodes.find((each) => each.node === node);
    if (!asked) throw new Error(`${node.name} is asked`);
    return asked.answer.promise;
  };
  const called = rollCall([...nodes.map(({ node }) => node), offline], ask, clock);
  return { clock, nodes: nodes as [(typeof nodes)[0], (typeof nodes)[0], (typeof nodes)[0]], called };
}

const noReply = new Failure(ErrorName.NoReply, "Connection terminated");

test("all that are online are asked, and told in their order", async () => {
  const { clock, nodes, called } = call();
  for (const { node, answer } of nodes.toReversed()) answer.resolve(`units of ${node.name}`);
  const { answers, silent } = await called;
  expect([...answers]).toEqual([
    ["a", "units of a"],
    ["b", "units of b"],
    ["c", "units of c"],
  ]);
  expect(silent).toEqual([]);
  expect(clock.pending).toBe(0);
});

test("who says nothing for 1.5 s is missing, who is still speaking is waited for", async () => {
  const { clock, nodes, called } = call();
  const [a, b, c] = nodes;
  a.answer.resolve("units of a");
  await new Promise(setImmediate);
  for (let ms = 0; ms < 10_000; ms += 500) {
    c.session.heardMs = clock.monotonicMs();
    clock.advance(500);
  }
  expect(clock.pending).toBe(1);
  c.answer.resolve("units of c");
  const { answers, silent } = await called;
  expect([...answers.keys()]).toEqual(["a", "c"]);
  expect(silent).toEqual(["b"]);
  b.answer.reject(noReply);
  expect(clock.pending).toBe(0);
});

test("who has said nothing is pinged, and waited for as long as programs wait", async () => {
  const { clock, nodes, called } = call();
  const [a, b, c] = nodes;
  for (const { answer } of [a, b]) answer.resolve("units");
  await new Promise(setImmediate);
  for (let ms = 0; ms < 19_000; ms += 500) {
    c.session.heardMs = clock.monotonicMs();
    clock.advance(500);
  }
  expect(c.session.sent[0]).toBe("ping");
  expect(a.session.sent).toEqual([]);
  expect(clock.pending).toBe(1);
  clock.advance(1000);
  expect((await called).silent).toEqual(["c"]);
  expect(clock.pending).toBe(0);
});

test("who is lost is missing, and who refuses fails all", async () => {
  const lost = call();
  lost.nodes[0].answer.reject(noReply);
  for (const { answer } of lost.nodes.slice(1)) answer.resolve("");
  expect((await lost.called).silent).toEqual(["a"]);

  const refusing = call();
  const refused = new Failure("org.freedesktop.systemd1.Odd", "no");
  refusing.nodes[1].answer.reject(refused);
  await expect(refusing.called).rejects.toBe(refused);
});
