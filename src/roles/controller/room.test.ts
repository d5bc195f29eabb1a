import { expect, test } from "bun:test";
import { FakeClock } from "../../base/fake-clock.ts";
import { Log } from "../../base/log.ts";
import { Room } from "./room.ts";

test("there is room for as many connections as descriptors, less some, and a line when it ends", () => {
  const clock = new FakeClock();
  const lines: string[] = [];
  const room = new Room(new Log({ write: (line) => void lines.push(line) }), clock, 164);
  expect([room.size(true), room.size(false)]).toEqual([116, 100]);
  expect(room.crowded(100, false)).toBe(false);
  expect(room.crowded(116, true)).toBe(false);
  expect(lines).toEqual([]);
  for (let count = 0; count < 100; count++) {
    expect(room.crowded(101, false)).toBe(true);
    clock.advance(10_000);
  }
  expect(lines.length).toBe(1);
  clock.advance(60_000);
  expect(room.crowded(117, true)).toBe(true);
  expect(lines.length).toBe(2);
  expect(lines[1]).toContain("no room for more than 116 connections");
});

test("with hardly any descriptors one agent of the network, and those of the host, still have room", () => {
  const room = new Room(new Log({ quiet: true }), new FakeClock(), 20);
  expect([room.size(true), room.size(false)]).toEqual([17, 1]);
});
