// Runs the stages named (without a name all but the last two): bun scripts/test.ts [types|lint|unit|whole|e2e|chaos|packages]...
// A stage without test cases of its own counts as one test. What failed is told again at the end, as whoever reads a log
// of thousands of tests starts there; the last line is `N passed, N failed`.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Failure, failures } from "./junit.ts";

interface Tally {
  readonly passed: number;
  readonly failed: number;
}

const bin = "node_modules/.bin";
const folder = await mkdtemp(join(tmpdir(), "bluechi-test-"));

// What is written in JavaScript runs in Bun: the machine's Node.js may be an old one.
const stages: Record<string, () => Promise<Tally>> = {
  types: () => check([`${bin}/tsc`]),
  lint: async () =>
    sum([
      await check([`${bin}/biome`, "check", "--error-on-warnings"]),
      await check([process.execPath, "--bun", `${bin}/knip`]),
    ]),
  unit: () => tests({ name: "unit", timeoutMs: 60_000, globs: ["src/**/*.test.ts"] }),
  whole: () =>
    tests({ name: "whole", timeoutMs: 60_000, globs: ["test/**/*.test.ts"], wanted: (path) => !onHosts(path) }),
  // Hosts mostly wait for each other. What takes longest begins, so that the other lane has something to do all the while.
  e2e: () =>
    tests({
      name: "e2e",
      timeoutMs: 120_000,
      globs: ["test/e2e/packaging.test.ts", "test/e2e/**/*.test.ts"],
      lanes: 2,
    }),
  chaos: () => tests({ name: "chaos", timeoutMs: 120_000, globs: ["test/e2e/chaos.test.ts"], options: ["--bail"] }),
  packages: async () =>
    sum([
      await check(["rpmlint", "--strict", "--rpmlintrc=packaging/rpm/bluechi.rpmlintrc", ...made("rpm/*/*.rpm")]),
      await check(["lintian", "--fail-on=error,warning", "--allow-root", ...made("deb/*.deb")]),
      await tests({
        name: "packages",
        timeoutMs: 240_000,
        globs: ["test/e2e/packaging.test.ts", "test/packaging/*.test.ts"],
      }),
    ]),
};
/** A short form of it is among the others, or all of it. */
const onlyWhenNamed = ["chaos", "packages"];

let reports = 0;
const broken: Failure[] = [];

const asked = process.argv.slice(2);
const tallies: Tally[] = [];
for (const name of asked.length > 0 ? asked : Object.keys(stages).filter((stage) => !onlyWhenNamed.includes(stage))) {
  const stage = stages[name];
  if (stage === undefined) throw new Error(`no stage ${name}: ${Object.keys(stages).join(", ")}`);
  console.log(`\n=== ${name}`);
  const start = performance.now();
  const tally = await stage();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`=== ${name}: ${tally.passed} passed, ${tally.failed} failed in ${seconds} s`);
  tallies.push(tally);
}
await rm(folder, { recursive: true });
const total = sum(tallies);
for (const { place, name, message } of broken.slice(0, 20)) {
  console.log([`\nFAILED ${place}: ${name}`, ...message.split("\n").slice(0, 8)].join("\n  "));
}
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed === 0 ? 0 : 1);

function onHosts(path: string): boolean {
  return path.startsWith("test/e2e/");
}

function sum(parts: readonly Tally[]): Tally {
  const add = (key: keyof Tally) => parts.reduce((count, part) => count + part[key], 0);
  return { passed: add("passed"), failed: add("failed") };
}

function execute(argv: readonly string[]): Promise<number> {
  return Bun.spawn([...argv], { stdio: ["ignore", "inherit", "inherit"] }).exited;
}

/** As `execute`, but what it prints is printed in one piece at its end. */
async function executeApart(argv: readonly string[]): Promise<number> {
  const child = Bun.spawn([...argv], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  process.stdout.write(stdout + stderr);
  return child.exited;
}

/** The packages in dist, one for each kind of machine. */
function made(glob: string): string[] {
  const found = [...new Bun.Glob(`dist/${glob}`).scanSync(".")];
  if (found.length !== 2) throw new Error(`dist/${glob} is not two packages: ${found.join(", ")}`);
  return found;
}

async function check(argv: readonly string[]): Promise<Tally> {
  if ((await execute(argv)) === 0) return { passed: 1, failed: 0 };
  broken.push({ place: argv.join(" "), name: "ended with an error", message: "" });
  return { passed: 0, failed: 1 };
}

interface Suite {
  readonly name: string;
  readonly timeoutMs: number;
  readonly globs: readonly string[];
  readonly wanted?: (path: string) => boolean;
  /** Further options of `bun test`. */
  readonly options?: readonly string[];
  /** How many processes share the files; what they print comes file by file then. One has all files when left out. */
  readonly lanes?: number;
}

async function tests({ name, timeoutMs, globs, wanted = () => true, options = [], lanes }: Suite): Promise<Tally> {
  const found = globs.flatMap((glob) => [...new Bun.Glob(glob).scanSync(".")].filter(wanted).sort());
  const files = [...new Set(found)];
  if (files.length === 0) throw new Error(`there is no ${globs.join(" nor ")}`);
  const test = async (paths: readonly string[], stdout: "inherit" | "pipe"): Promise<Tally> => {
    const report = join(folder, `${name}-${reports++}.xml`);
    const common = [`--timeout=${timeoutMs}`, "--only-failures", "--reporter=junit", `--reporter-outfile=${report}`];
    const argv = [process.execPath, "test", ...common, ...options, ...paths.map((path) => `./${path}`)];
    const status = await (stdout === "inherit" ? execute(argv) : executeApart(argv));
    return tallyOf(paths.length === 1 ? `${paths[0]}` : name, report, status);
  };
  if (lanes === undefined) return test(files, "inherit");
  const waiting = files.values();
  const lane = async (): Promise<Tally> => {
    const tallies: Tally[] = [];
    for (const file of waiting) tallies.push(await test([file], "pipe"));
    return sum(tallies);
  };
  return sum(await Promise.all(Array.from({ length: lanes }, lane)));
}

async function tallyOf(place: string, report: string, status: number): Promise<Tally> {
  const xml = await Bun.file(report)
    .text()
    .catch(() => "");
  const count = (attribute: string) =>
    Number(new RegExp(`<testsuites [^>]*\\b${attribute}="(\\d+)"`).exec(xml)?.[1] ?? 0);
  const failed = count("failures");
  const passed = count("tests") - failed - count("skipped");
  broken.push(...failures(xml));
  if (failed > 0 || status === 0) return { passed, failed };
  // A file that cannot be loaded, or a runner that dies, fails without a failed test.
  broken.push({ place, name: `the runner ended with ${status}`, message: "" });
  return { passed, failed: 1 };
}
