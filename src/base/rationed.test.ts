import { expect, test } from "bun:test";
import { FakeClock } from "./fake-clock.ts";
import { maxKinds, Rationed, rationPeriodMs } from "./rationed.ts";

function world() {
  const clock = new FakeClock();
  const lines: string[] = [];
  return { clock, lines, rationed: new Rationed((text) => void lines.push(text), clock) };
}

test("a kind is said once in a period, and then how often it came", () => {
  const { clock, lines, rationed } = world();
  for (let count = 0; count < 1000; count++) rationed.say("peer", "refused");
  expect(lines).toEqual(["refused"]);
  clock.advance(rationPeriodMs);
  expect(lines).toEqual(["refused", "refused (the last of 999 more)"]);
  expect(clock.pending).toBe(0);
  rationed.say("peer", "refused");
  expect(lines.length).toBe(3);
  clock.advance(rationPeriodMs);
  rationed.say("peer", "refused");
  expect(lines.slice(2)).toEqual(["refused", "refused"]);
  expect(clock.pending).toBe(0);
});

test("what is said with a text is that of the text", () => {
  const clock = new FakeClock();
  const said: [string, number | undefined][] = [];
  const rationed = new Rationed<number>((text, detail) => void said.push([text, detail]), clock);
  for (let detail = 1; detail <= 3; detail++) rationed.say("kind", "refused", detail);
  for (let kind = 0; kind < maxKinds; kind++) rationed.say(`${kind}`, "other", 4);
  clock.advance(rationPeriodMs);
  expect(said.filter(([text]) => text !== "other")).toEqual([
    ["refused", 1],
    ["refused (the last of 2 more)", 3],
    ["1 more of other kinds", undefined],
  ]);
});

test("of very many kinds only the number is said, and as many are said again later", () => {
  const { clock, lines, rationed } = world();
  const many = () => {
    for (let count = 0; count < 1000; count++) rationed.say(`peer${count}`, "refused");
  };
  many();
  expect(lines.length).toBe(maxKinds);
  rationed.flush();
  expect(lines.at(-1)).toBe(`${1000 - maxKinds} more of other kinds`);
  many();
  expect(lines.length).toBe(2 * maxKinds + 1);
  clock.advance(rationPeriodMs);
  expect(lines.length).toBe(2 * maxKinds + 2);
  rationed.flush();
  expect(lines.length).toBe(2 * maxKinds + 2);
});
