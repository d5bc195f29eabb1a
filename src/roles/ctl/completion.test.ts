import { expect, test } from "bun:test";
import { commands, knownOptions } from "./commands.ts";
import { sources } from "./completion.ts";
import { placesOf } from "./declaration.ts";

test("every word that a command takes has a source of candidates", () => {
  const names = Object.values(commands).flatMap(({ args }) => placesOf(args).map(({ name }) => name));
  expect([...new Set(names)].filter((name) => !Object.hasOwn(sources, name))).toEqual([]);
});

test("options' arguments have one, too, unless they may be anything", () => {
  const names = Object.entries(knownOptions()).flatMap(([name, option]) => ("argument" in option ? [name] : []));
  expect(names.filter((name) => !Object.hasOwn(sources, name)).sort()).toEqual(["address", "filter", "signal"]);
});
