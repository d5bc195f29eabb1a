import { expect, test } from "bun:test";
import { lockPath, page, pagePath, problems, renewLock } from "../../scripts/protocol.ts";
import { event, type Message, request } from "../../src/wire/table.ts";

const fileAt = (path: string) => Bun.file(new URL(`../../${path}`, import.meta.url)).text();

test("no message that peers in the field know was changed or removed", async () => {
  expect(problems(await fileAt(lockPath))).toEqual([]);
});

test("the lock and the page are current; if not, run: bun scripts/protocol.ts", async () => {
  const lock = await fileAt(lockPath);
  expect(renewLock(lock)).toBe(lock);
  expect(await fileAt(pagePath)).toBe(page());
});

const before: Record<string, Message> = {
  ask: request(16, "agent", { unit: "s", id: "u" }, { result: "s" }),
  tell: event(17, "agent", {}),
};
const lock = renewLock("", before);

test("a lock has a line for each row", () => {
  expect(lock).toBe("16 ask request agent | unit:s id:u | result:s\n17 tell event agent |  |\n");
  expect(problems(lock, before)).toEqual([]);
});

test.each([
  ["a new row", { ...before, more: event(18, "agent", {}) }],
  [
    "new fields at the end",
    { ...before, ask: request(16, "agent", { unit: "s", id: "u", more: "s" }, { result: "s", more: "b" }) },
  ],
  ["a first field", { ...before, tell: event(17, "agent", { unit: "s" }) }],
])("%s is well, and gets into the lock", (_what, now) => {
  expect(problems(lock, now)).toEqual([]);
  expect(problems(renewLock(lock, now), now)).toEqual([]);
  expect(problems(renewLock(lock, now), before)).toHaveLength(1);
});

test.each([
  ["a row that is gone", { ask: before.ask }],
  ["another name", { ask: before.ask, say: before.tell }],
  ["another id", { ...before, tell: event(18, "agent", {}) }],
  ["another side", { ...before, tell: event(17, "controller", {}) }],
  ["another kind", { ...before, tell: request(17, "agent", {}, {}) }],
  ["another type", { ...before, ask: request(16, "agent", { unit: "s", id: "t" }, { result: "s" }) }],
  ["a longer type", { ...before, ask: request(16, "agent", { unit: "s", id: "uu" }, { result: "s" }) }],
  ["another order", { ...before, ask: request(16, "agent", { id: "u", unit: "s" }, { result: "s" }) }],
  ["a field less", { ...before, ask: request(16, "agent", { unit: "s" }, { result: "s" }) }],
  ["an id used twice", { ...before, more: event(17, "agent", {}) }],
])("%s is refused", (_what, now) => {
  expect(problems(lock, now as Record<string, Message>).length).toBeGreaterThan(0);
});

test("a retired row keeps its id and its name", () => {
  const retired = lock.replace("17 tell", "retired 17 tell");
  expect(problems(retired, before)).toHaveLength(1);
  expect(problems(retired, { ask: before.ask! })).toEqual([]);
  expect(renewLock(retired, { ask: before.ask! })).toBe(retired);
  expect(problems(retired, { ask: before.ask!, heir: event(17, "agent", {}) })).toHaveLength(1);
});
