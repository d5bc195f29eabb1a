// What a part of the benchmark found, how it is shown, and whether it has become worse.
import type { Measured, Sample } from "./sample.ts";

type Cell = string | number;
export type Row = readonly [string, ...Cell[]];

type Limit = { readonly value: number } & ({ readonly below: number } | { readonly above: number });

/** A bound that has to be kept; or else the ratio that it stands for, to what systemd takes when it is asked directly. */
export type Check = Limit & { readonly what: string; readonly unit: string; readonly ratio?: Limit };

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
  readonly checks?: readonly Check[];
  /**
   * Ratios that are watched, smaller ones better, by what they are of: those that hardly depend on the machine and on what
   * else it does (docs/performance.md says which those are).
   */
  readonly ratios?: Readonly<Record<string, number>>;
}

/** One part: its name for `ONLY=`, and its work. */
export interface Part<World> {
  readonly name: string;
  run(world: World): Promise<readonly Table[]>;
}

/** What all parts that ran have found, as it is written to a file. */
export interface Findings {
  readonly machine: string;
  readonly tables: Readonly<Record<string, readonly Table[]>>;
}

type Both<What extends string> = Readonly<Record<"bluechi" | "systemd", Measured<What, string>>>;

/** The columns of `compared`. */
export const comparison = ["bluechi", "p99", "systemd", "p99", "added", "ratio"] as const;

/** How long something takes by bluechi and by asking systemd directly. */
export function compared<What extends string>(title: string, { bluechi, systemd }: Both<What>, what: What): Row {
  const [ours, theirs] = [bluechi.times[what], systemd.times[what]];
  return [title, ours.median, ours.p99, theirs.median, theirs.p99, added(ours, theirs), ratio(ours, theirs)];
}

const added = (ours: Sample, theirs: Sample): number => ours.median - theirs.median;
const ratio = (ours: Sample, theirs: Sample): number => ours.median / theirs.median;

/** The columns of `cpuRow`. */
export const cpuColumns = ["controller", "agent", "bus", "systemd", "direct: bus", "systemd"] as const;
export type CpuName = "controller" | "agent" | "bus" | "systemd";

type Cpu = Readonly<Record<"bluechi" | "systemd", Measured<string, CpuName>>>;

/** The CPU time of controller and agent, to that of systemd when it is asked directly. */
export function cpuRatio({ bluechi, systemd }: Cpu): number {
  return (bluechi.cpu.controller + bluechi.cpu.agent) / systemd.cpu.systemd;
}

/** CPU times by bluechi and by asking systemd directly. @param share of what was measured that one of the row's is. */
export function cpuRow(title: string, { bluechi, systemd }: Cpu, share = 1): Row {
  const { controller, agent, bus, systemd: theirs } = bluechi.cpu;
  return [title, ...[controller, agent, bus, theirs, systemd.cpu.bus, systemd.cpu.systemd].map((us) => us * share)];
}

const text = (cell: Cell | undefined) =>
  typeof cell === "number" ? (Number.isInteger(cell) ? `${cell}` : cell.toFixed(cell < 10 ? 2 : 1)) : (cell ?? "");

export function show({ title, columns, rows, checks = [] }: Table): string {
  const lines = [[title, ...columns], ...rows.map((row) => row.map(text))];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length))) ?? [];
  const pad = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart((widths[column] ?? 0) + 2);
  const table = lines.map((line) => line.map(pad).join("").trimEnd());
  return [...table, ...checks.map(verdict)].join("\n");
}

export function kept(check: Check): boolean {
  return holds(check) || (check.ratio !== undefined && holds(check.ratio));
}

function holds(limit: Limit): boolean {
  return "below" in limit ? limit.value < limit.below : limit.value > limit.above;
}

function verdict(check: Check): string {
  const { what, unit, ratio } = check;
  const ratioText = ratio ? `; ${limitText(ratio, "times as long as the direct call")}` : "";
  return `${decided(check)}: ${what} is ${limitText(check, unit)}${ratioText}`;
}

/** Whether a bound is kept, and which of both says so. */
function decided(check: Check): string {
  if (holds(check)) return "ok";
  return kept(check) ? "ok by ratio" : "MISSED";
}

function limitText(limit: Limit, unit: string): string {
  const bound = "below" in limit ? `below ${text(limit.below)}` : `above ${text(limit.above)}`;
  return `${text(limit.value)} ${unit}, has to be ${bound}`;
}

/** How much worse than before a ratio may be. */
const tolerance = 0.3;

/** What has become worse than it was, a line each; what was not measured now is not looked at. */
export function worsened(before: Findings, now: Findings): string[] {
  const old = ratiosOf(before);
  return [...ratiosOf(now)].flatMap(([what, value]) => {
    const was = old.get(what);
    if (was === undefined || value <= was * (1 + tolerance)) return [];
    return [`${what} is ${text(value)}, was ${text(was)}: ${text((value / was - 1) * 100)} % worse`];
  });
}

/** All ratios, by part and name. */
export function ratiosOf({ tables }: Findings): Map<string, number> {
  const all = Object.entries(tables).flatMap(([part, ofPart]) =>
    ofPart.flatMap(({ ratios = {} }) =>
      Object.entries(ratios).map(([what, value]) => [`${part}: ${what}`, value] as const),
    ),
  );
  return new Map(all);
}
