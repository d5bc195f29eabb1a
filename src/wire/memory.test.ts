import { expect, test } from "bun:test";
import { FakeClock } from "../base/fake-clock.ts";
import { MemoryNetwork } from "./memory.ts";
import type { Transport } from "./transport.ts";

function follow(log: string[], name: string, transport: Transport): Transport {
  transport.start({
    data: (chunk) => void log.push(`${name} ${Buffer.from(chunk)}`),
    drained: () => {},
    closed: (reason) => void log.push(`${name} closed ${reason}`),
  });
  return transport;
}

function world(options: { seed: number; clock?: FakeClock }) {
  const network = new MemoryNetwork(options);
  const log: string[] = [];
  network.listen((far) => void follow(log, `from ${far.peer}:`, far));
  return { network, log, connect: (name: string) => follow(log, `to ${name}:`, network.connect(name)) };
}

function scramble(seed: number): string[] {
  const { network, log, connect } = world({ seed });
  for (const name of ["a", "b", "c"]) connect(name).write(Buffer.from(name.repeat(30)));
  while (network.step());
  return log;
}

test("the same seed gives the same pieces in the same order, another one others", () => {
  expect(scramble(5)).toEqual(scramble(5));
  expect(scramble(5)).not.toEqual(scramble(6));
  for (const name of ["a", "b", "c"]) {
    const pieces = scramble(5).filter((line) => line.startsWith(`from ${name}`));
    expect(pieces.map((piece) => piece.split(": ")[1]).join("")).toBe(name.repeat(30));
  }
});

test("with a clock, bytes take their time", () => {
  const clock = new FakeClock();
  const { log, connect } = world({ seed: 1, clock });
  connect("a").write(Buffer.from("x"));
  expect(log).toEqual([]);
  clock.advance(20);
  expect(log).toEqual(["from a: x"]);
  expect(clock.pending).toBe(0);
});

test("a lost peer is silent, and found again with all it said", () => {
  const clock = new FakeClock();
  const { network, log, connect } = world({ seed: 1, clock });
  const near = connect("a");
  network.lose("a");
  near.write(Buffer.from("x"));
  clock.advance(1000);
  expect(log).toEqual([]);
  expect(() => network.connect("a")).toThrow("connection refused");
  network.heal("a");
  clock.advance(1000);
  expect(log).toEqual(["from a: x"]);
});

test("a cut ends the connections of one peer, on both sides", () => {
  const clock = new FakeClock();
  const { network, log, connect } = world({ seed: 1, clock });
  connect("a");
  connect("b");
  network.cut("a");
  clock.advance(1000);
  expect(log.sort()).toEqual(["from a: closed connection lost", "to a: closed connection lost"]);
});

test("who does not listen is not found", () => {
  const network = new MemoryNetwork({ seed: 1 });
  const listener = network.listen(() => {});
  listener.close();
  expect(() => network.connect("a")).toThrow("connection refused");
});
