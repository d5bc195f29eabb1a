import { expect, test } from "bun:test";
import { Bell } from "./watch.ts";

test("a ring is heard once, however often it rang", async () => {
  const bell = new Bell();
  bell.ring();
  bell.ring();
  await bell.rung();
  let heard = false;
  const next = bell.rung().then(() => {
    heard = true;
  });
  await new Promise(setImmediate);
  expect(heard).toBe(false);
  bell.ring();
  await next;
  expect(heard).toBe(true);
});
