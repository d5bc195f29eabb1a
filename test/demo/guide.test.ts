import { expect, test } from "bun:test";
import { basename, join } from "node:path";
import { keeps, parseGuide } from "./guide.ts";

test("a guide is prose and commands, with here-documents and promises", () => {
  const guide =
    "# Title\n\nProse.\n\n```console\na# cat >x <<'EOF'\none\nEOF\nb# cat x\none\ntwo\n```\nEnd\n```console eventually\na# y\n```\n```console fails\na# z\n```\n";
  expect(parseGuide(guide)).toEqual([
    { kind: "prose", text: "# Title\n\nProse." },
    { kind: "command", host: "a", script: "cat >x <<'EOF'\none\nEOF", promised: [], eventually: false, fails: false },
    { kind: "command", host: "b", script: "cat x", promised: ["one", "two"], eventually: false, fails: false },
    { kind: "prose", text: "End" },
    { kind: "command", host: "a", script: "y", promised: [], eventually: true, fails: false },
    { kind: "command", host: "a", script: "z", promised: [], eventually: false, fails: true },
  ]);
});

test("promises are kept up to blanks and what differs each time", () => {
  expect(keeps(["a | … | b."], "a\t\t|   7 | b.  \n")).toBe(true);
  expect(keeps(["…"], "----\n")).toBe(true);
  expect(keeps(["a.c"], "abc\n")).toBe(false);
  expect(keeps(["a"], "a\nb\n")).toBe(false);
  expect(keeps(["a", "b"], "a\n")).toBe(false);
  expect(keeps([], "")).toBe(true);
});

test("every page with commands is walked through by a test", async () => {
  const top = join(import.meta.dir, "../..");
  const texts = (glob: string) =>
    Promise.all(
      [...new Bun.Glob(glob).scanSync(top)].map(
        async (file) => [basename(file), await Bun.file(join(top, file)).text()] as const,
      ),
    );
  const tests = (await texts("test/e2e/*.test.ts")).map(([, text]) => text).join();
  const pages = (await texts("docs/**/*.md")).flatMap(([page, text]) => (text.includes("```console") ? [page] : []));
  expect(pages).toContain("troubleshooting.md");
  expect(pages.filter((page) => page !== "guide.md" && !tests.includes(`"${page}"`))).toEqual([]);
});

test("the guide is read to its end", async () => {
  const steps = parseGuide(await Bun.file(join(import.meta.dir, "../../docs/guide.md")).text());
  expect(steps.filter((step) => step.kind === "command").length).toBeGreaterThan(20);
});
