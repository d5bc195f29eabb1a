// Runs the stages named (without a name all but the last two): bun scripts/test.ts [types|lint|unit|whole|e2e|chaos|packages]...
// A stage without test cases of its own counts as one test. The last line is `N passed, N failed`.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

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
  unit: () => tests("unit", 60_000, ["src/**/*.test.ts"]),
  whole: () => tests("whole", 60_000, ["test/**/*.test.ts"], (path) => !path.startsWith("test/e2e/")),
  e2e: () => tests("e2e", 120_000, ["test/e2e/**/*.test.ts"]),
  chaos: () => tests("chaos", 120_000, ["test/e2e/chaos.test.ts"], undefined, "--bail"),
  packages: async () =>
    sum([
      await check(["rpmlint", "--strict", "--rpmlintrc=packaging/rpm/bluechi.rpmlintrc", ...made("rpm/*/*.rpm")]),
      await check(["lintian", "--fail-on=error,warning", "--allow-root", ...made("deb/*.deb")]),
      await tests("packages", 240_000, ["test/e2e/packaging.test.ts", "test/packaging/*.test.ts"]),
    ]),
};
/** A short form of it is among the others, or all of it. */
const onlyWhenNamed = ["chaos", "packages"];

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
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed === 0 ? 0 : 1);

function sum(parts: readonly Tally[]): Tally {
  const add = (key: keyof Tally) => parts.reduce((count, part) => count + part[key], 0);
  return { passed: add("passed"), failed: add("failed") };
}

function execute(argv: readonly string[]): Promise<number> {
  return Bun.spawn([...argv], { stdio: ["ignore", "inherit", "inherit"] }).exited;
}

/** The packages in dist, one for each kind of machine. */
function made(glob: string): string[] {
  const found = [...new Bun.Glob(`dist/${glob}`).scanSync(".")];
  if (found.length !== 2) throw new Error(`dist/${glob} is not two packages: ${found.join(", ")}`);
  return found;
}

async function check(argv: readonly string[]): Promise<Tally> {
  return (await execute(argv)) === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

async function tests(
  name: string,
  timeoutMs: number,
  globs: readonly string[],
  wanted = (_path: string) => true,
  ...more: string[]
): Promise<Tally> {
  const files = globs.flatMap((glob) => [...new Bun.Glob(glob).scanSync(".")].filter(wanted).sort());
  if (files.length === 0) throw new Error(`there is no ${globs.join(" nor ")}`);
  const report = join(folder, `${name}.xml`);
  const options = [`--timeout=${timeoutMs}`, "--only-failures", "--reporter=junit", `--reporter-outfile=${report}`];
  const status = await execute([process.execPath, "test", ...options, ...more, ...files.map((file) => `./${file}`)]);
  const xml = await Bun.file(report)
    .text()
    .catch(() => "");
  const count = (attribute: string) =>
    Number(new RegExp(`<testsuites [^>]*\\b${attribute}="(\\d+)"`).exec(xml)?.[1] ?? 0);
  const failed = count("failures");
  const passed = count("tests") - failed - count("skipped");
  // A file that cannot be loaded, or a runner that dies, fails without a failed test.
  return { passed, failed: failed === 0 && status !== 0 ? 1 : failed };
}
