import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failures } from "../scripts/junit.ts";

test("what failed is read from the report of the runner, with its place, its groups and why", async () => {
  const folder = await mkdtemp(join(tmpdir(), "bluechi-junit-"));
  try {
    const file = join(folder, "some.test.ts");
    await Bun.write(
      file,
      `import { describe, expect, test } from "bun:test";
describe("a <group>", () => {
  test("is right", () => {});
  test("is \\"wrong\\"", () => { expect("found").toBe("expected"); });
});
test("throws", () => { throw new Error("one & two\\nthree"); });`,
    );
    const report = join(folder, "report.xml");
    const argv = [process.execPath, "test", "--reporter=junit", `--reporter-outfile=${report}`, file];
    expect(await Bun.spawn(argv, { cwd: folder, stdio: ["ignore", "ignore", "ignore"] }).exited).not.toBe(0);
    const found = failures(await Bun.file(report).text());
    expect(found.map(({ place, name }) => [place.split("/").at(-1), name])).toEqual([
      ["some.test.ts:4", 'a <group> > is "wrong"'],
      ["some.test.ts:6", "throws"],
    ]);
    expect(found[0]?.message).toContain('Received: "found"');
    expect(found[1]?.message).toBe("one & two\nthree");
    expect(failures("")).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
