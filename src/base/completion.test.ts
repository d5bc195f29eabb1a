import { expect, test } from "bun:test";
import { optionCandidates, spotOf } from "./completion.ts";

const options = {
  force: { short: "f", help: "Force" },
  filter: { argument: "GLOB", help: "Filter" },
  port: { short: "p", argument: "PORT", help: "Port" },
};

const spots: Record<string, ReturnType<typeof spotOf>> = {
  "": { kind: "word", words: [] },
  "a ": { kind: "word", words: ["a"] },
  "a b": { kind: "word", words: ["a"] },
  "a --force -f b -": { kind: "option", words: ["a", "b"] },
  "a --fil": { kind: "option", words: ["a"] },
  "a --filter ": { kind: "argument", words: ["a"], option: "filter", stays: "" },
  "a --filter=x": { kind: "argument", words: ["a"], option: "filter", stays: "--filter=" },
  "a --filter=x ": { kind: "word", words: ["a"] },
  "a --filter x ": { kind: "word", words: ["a"] },
  "-p ": { kind: "argument", words: [], option: "port", stays: "" },
  "-p 1 --what ": { kind: "word", words: [] },
  "a -- --b -": { kind: "word", words: ["a", "--b"] },
  "- ": { kind: "word", words: ["-"] },
};

for (const [line, spot] of Object.entries(spots)) {
  test(`'${line}' is completed at ${spot.kind === "argument" ? `the argument of ${spot.option}` : `a ${spot.kind}`}`, () => {
    const words = line.split(" ");
    expect(spotOf(words.slice(0, -1), words.at(-1) ?? "", options)).toEqual(spot);
  });
}

test("options that take an argument wait for it", () => {
  expect(optionCandidates(options).map(({ word }) => word)).toEqual(["--force", "--filter=", "--port="]);
});
