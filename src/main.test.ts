import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Breaks the program that it is loaded into, as soon as that is ready for it. */
const breaks = `
  const { on } = process;
  process.on = function (event, listener) {
    if (event === "unhandledRejection") Promise.reject(new Error("first line\\nsecond line"));
    return on.call(process, event, listener);
  };
`;

test("what nobody expected ends a daemon so that systemd starts it again, and a tool as any failure does", async () => {
  const folder = mkdtempSync(join(tmpdir(), "bluechi-main-"));
  const preload = join(folder, "break.ts");
  writeFileSync(preload, breaks);
  const end = async (...words: string[]) => {
    const argv = [process.execPath, "--preload", preload, join(import.meta.dir, "main.ts"), ...words];
    const child = Bun.spawn(argv, { cwd: folder, stdout: "ignore", stderr: "pipe" });
    const stderr = await new Response(child.stderr).text();
    return [stderr, await child.exited, child.signalCode];
  };
  const line = expect.stringMatching(/^[^:\n]+: first line\n$/);
  for (const role of ["controller", "agent"]) expect(await end(role)).toEqual([line, 134, "SIGABRT"]);
  // Commands that have to wait for a bus, so that they are not at their end before.
  for (const words of [
    ["ctl", "status"],
    ["proxy", "create", "node_a.service"],
  ]) {
    expect(await end(...words)).toEqual([line, 1, null]);
  }
  rmSync(folder, { recursive: true });
});
