import { expect, test } from "bun:test";
import { join, relative } from "node:path";
import { completed, keeps, parseGuide, sectionOf, withSection } from "./guide.ts";

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

test("a command is what was printed before where it has an ellipsis", () => {
  expect(completed("join …", "hint\njoin $1 abc\n")).toBe("join $1 abc");
  expect(completed("join", "join abc")).toBe("join");
  expect(() => completed("join …", "left abc")).toThrow("nothing like this was printed before: join …");
});

test("a section of a page can be that of another", () => {
  const page = "# A\n\n## One\n\n1\n\n## Two\n\n2\n";
  const other = sectionOf("## One\n\n$&\n\n## Else\n", "One");
  expect(withSection(page, "One", other)).toBe("# A\n\n## One\n\n$&\n\n## Two\n\n2\n");
  expect(() => sectionOf(page, "Three")).toThrow("no section is called 'Three'");
});

const top = join(import.meta.dir, "../..");

/** Files with their texts; they are named as from the folder docs. */
const texts = (...globs: string[]) =>
  Promise.all(
    globs
      .flatMap((glob) => [...new Bun.Glob(glob).scanSync(top)])
      .map(async (file) => [relative("docs", file), await Bun.file(join(top, file)).text()] as const),
  );
const allPages = await texts("*.md", "docs/**/*.md", "packaging/*.md");

test("every page with commands is walked through by a test", async () => {
  const tests = (await texts("test/e2e/*.test.ts")).map(([, text]) => text).join();
  const pages = allPages.flatMap(([page, text]) => (text.includes("```console") ? [page] : []));
  expect(pages).toEqual(expect.arrayContaining(["troubleshooting.md", "../README.md"]));
  expect(pages.filter((page) => page !== "guide.md" && !tests.includes(`"${page}"`))).toEqual([]);
});

test("commands that are not walked through are those of make, which knows them", async () => {
  const makefile = await Bun.file(join(top, "Makefile")).text();
  const targets = [...makefile.matchAll(/^([a-z0-9-]+):/gm)].map(([, name]) => name);
  const told = allPages.flatMap(([page, text]) => {
    const quoted = [...text.matchAll(/`(make [a-z][^`]*)`/g)].map(([, command = ""]) => command);
    // On the two pages that people begin with, what is set in by four blanks is a command.
    const begins = ["../README.md", "getting-started.md"].includes(page);
    const blocks = begins ? text.split("\n\n").filter((block) => /^ {4}[a-z]/.test(block)) : [];
    const lines = blocks.flatMap((block) => block.split("\n")).map((line) => line.trim());
    return [...lines, ...quoted].map((command) => ({ page, command }));
  });
  const known = ({ command }: { command: string }) => targets.includes(/^make ([a-z0-9-]+)/.exec(command)?.[1]);
  expect(told.filter(known).length).toBeGreaterThan(30);
  expect(told.filter((each) => !known(each))).toEqual([]);
});

test("the guide is read to its end", async () => {
  const steps = parseGuide(await Bun.file(join(import.meta.dir, "../../docs/guide.md")).text());
  expect(steps.filter((step) => step.kind === "command").length).toBeGreaterThan(20);
});
