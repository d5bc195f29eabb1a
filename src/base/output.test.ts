import { expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Output } from "./output.ts";

test("texts go out in order behind what a file has already, and none of them empties it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "bluechi-output-"));
  const file = join(folder, "out");
  writeFileSync(file, "before\n");
  const fd = openSync(file, "a");
  const output = new Output(fd);
  const long = `${"x".repeat(1_000_000)}\n`;
  for (const text of ["", "one\n", long, "", "two\n"]) output.write(text);
  await output.written();
  output.write("");
  await output.written();
  closeSync(fd);
  expect(readFileSync(file, "utf8")).toBe(`before\none\n${long}two\n`);
  rmSync(folder, { recursive: true });
});

test("who writes learns once that nothing more can be written", async () => {
  const fd = openSync("/dev/full", "w");
  const output = new Output(fd);
  const heard: (string | undefined)[] = [];
  output.onBroken = ({ code }) => heard.push(code);
  for (const text of ["one\n", "two\n"]) output.write(text);
  await output.written();
  output.write("three\n");
  await output.written();
  closeSync(fd);
  expect(heard).toEqual(["ENOSPC"]);
  expect(output.isTerminal).toBe(false);
});
