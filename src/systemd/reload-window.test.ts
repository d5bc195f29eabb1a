import { expect, test } from "bun:test";
import { ReloadWindow } from "./reload-window.ts";

test("only what is different after a reload is told", () => {
  const reload = new ReloadWindow();
  expect(reload.open).toBe(false);
  reload.begin();
  for (const unit of ["a", "b", "c"]) reload.unitRemoved(unit);
  for (const unit of ["b", "d", "e"]) reload.unitNew(unit);
  reload.unitRemoved("e");
  expect(reload.open).toBe(true);
  expect(reload.end()).toEqual({ removed: ["a", "c"], added: ["d"] });
  expect(reload.open).toBe(false);
  reload.begin();
  expect(reload.end()).toEqual({ removed: [], added: [] });
});
