import { expect, test } from "bun:test";
import { Demand } from "./demand.ts";

test("only the first need and the end of the last are told, however often each is said", () => {
  const told: boolean[] = [];
  const demand = new Demand((any) => told.push(any));
  const [one, two] = [demand.join(), demand.join()];
  one(false);
  expect([told, demand.any]).toEqual([[], false]);
  one(true);
  one(true);
  two(true);
  one(false);
  expect([told, demand.any]).toEqual([[true], true]);
  two(false);
  two(false);
  expect([told, demand.any]).toEqual([[true, false], false]);
});
