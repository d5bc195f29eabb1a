import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makePrivateFolder, readPrivate, removePrivate, writePrivate } from "./private-files.ts";

const top = mkdtempSync(join(tmpdir(), "bluechi-private-"));
afterAll(() => rmSync(top, { recursive: true }));
const mode = (path: string) => statSync(path).mode & 0o777;

test("a file is its owner's only, whatever was left behind in its place", () => {
  const folder = join(top, "a/b");
  makePrivateFolder(folder);
  expect(mode(folder)).toBe(0o700);
  const path = join(folder, "key.pem");
  writeFileSync(`${path}.new`, "of a writer that was interrupted");
  chmodSync(`${path}.new`, 0o666);
  writePrivate(path, "one");
  expect(mode(path)).toBe(0o600);
  writePrivate(path, "two");
  expect(readPrivate(path)).toBe("two");
  expect(readdirSync(folder)).toEqual(["key.pem"]);
  removePrivate(path);
  removePrivate(path);
  expect(readPrivate(path)).toBeUndefined();
});

test("a file that cannot be written leaves the one before", () => {
  const path = join(top, "kept");
  writePrivate(path, "before");
  expect(() => writePrivate(join(top, "none/file"), "text")).toThrow("ENOENT");
  expect(readPrivate(path)).toBe("before");
});

test("a file that nobody of ours has written is not read into memory", () => {
  const path = join(top, "large");
  writeFileSync(path, Buffer.alloc(16 * 1024 * 1024 + 1));
  expect(() => readPrivate(path)).toThrow("has 16777217 bytes");
});
