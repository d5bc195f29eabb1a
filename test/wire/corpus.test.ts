import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { replay } from "./replay.ts";

const lines = readFileSync(join(import.meta.dir, "corpus.txt"), "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"));

test("what fuzzing has found becomes the same again", async () => {
  const wrong: string[] = [];
  for (const line of lines) {
    const [to = "", hex = "", wanted] = line.split(" | ");
    const outcome = await replay(to, Buffer.from(hex, "hex")).catch((error) => `failed: ${error}`);
    if (wanted === undefined ? outcome.startsWith("failed: ") : outcome !== wanted) wrong.push(`${line} -> ${outcome}`);
  }
  expect(wrong).toEqual([]);
});
