import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Log } from "../../base/log.ts";
import { KeptSwitch } from "./kept-switch.ts";

const folder = mkdtempSync(join(tmpdir(), "bluechi-kept-"));
afterAll(() => rmSync(folder, { recursive: true }));

function kept(path = join(folder, "controller")) {
  const lines: string[] = [];
  const log = new Log({ target: "stderr", write: (line) => lines.push(line.replace(/^.*\t: /, "").trim()) });
  return { path, lines, file: new KeptSwitch(path, log) };
}

test("an address is kept, replaced and removed, and nothing else is left", () => {
  const { path, lines, file } = kept();
  expect(file.read(() => {})).toBeUndefined();
  file.keep(undefined);
  file.keep("tcp:host=standby,port=842");
  file.keep("unix:path=/run/bluechi/bluechi.sock");
  expect(file.read(() => {})).toBe("unix:path=/run/bluechi/bluechi.sock");
  expect(readFileSync(path, "utf8")).toBe("unix:path=/run/bluechi/bluechi.sock\n");
  expect(readdirSync(folder)).toEqual(["controller"]);
  file.keep(undefined);
  expect(file.read(() => {})).toBeUndefined();
  expect(readdirSync(folder)).toEqual([]);
  expect(lines).toEqual([]);
});

test("nonsense is not kept, and what was kept before stays", () => {
  const { lines, file } = kept();
  file.keep("tcp:host=standby,port=842");
  file.keep("nonsense");
  expect(file.read(() => {})).toBe("tcp:host=standby,port=842");
  expect(lines).toEqual([
    "The next start of the agent will not know of this switch: 'nonsense' is not an address: it begins neither with tls: nor with tcp: nor with unix:",
  ]);
});

test.each([
  ["empty", ""],
  ["garbage", "\0\u0001\xff"],
  ["half written", "tcp:host=stand"],
  ["two lines", "tcp:host=a,port=1\ntcp:host=b,port=1\n"],
  ["far too long", `unix:path=/${"x".repeat(5000)}`],
])("a file that is %s is ignored, and replaced by the next switch", (_, text) => {
  const { path, lines, file } = kept();
  writeFileSync(path, text);
  expect(file.read(() => {})).toBeUndefined();
  expect(lines).toEqual([expect.stringContaining(`'${path}' is bad: `)]);
  file.keep("tcp:host=standby,port=842");
  expect(file.read(() => {})).toBe("tcp:host=standby,port=842");
});

test("a folder that is not there, and one in place of the file, are logged and nothing more", () => {
  const away = kept(join(folder, "away", "controller"));
  expect(away.file.read(() => {})).toBeUndefined();
  away.file.keep("tcp:host=standby,port=842");
  expect(away.lines).toEqual([expect.stringContaining("ENOENT")]);
  mkdirSync(join(folder, "inside"));
  const inside = kept(join(folder, "inside"));
  expect(inside.file.read(() => {})).toBeUndefined();
  inside.file.keep("tcp:host=standby,port=842");
  expect(inside.lines).toEqual([expect.stringContaining("EISDIR"), expect.stringContaining("EISDIR")]);
});
