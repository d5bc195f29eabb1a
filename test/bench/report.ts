// What a part of the benchmark found, and how it is shown.

type Cell = string | number;

/** A bound that has to be kept. */
export interface Check {
  readonly what: string;
  readonly value: number;
  readonly below: number;
  readonly unit: string;
}

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly [string, ...Cell[]])[];
  readonly checks?: readonly Check[];
}

/** One part: its name for `ONLY=`, and its work. */
export interface Part<World> {
  readonly name: string;
  run(world: World): Promise<Table>;
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

export function kept({ value, below }: Check): boolean {
  return value < below;
}

function verdict(check: Check): string {
  const { what, value, below, unit } = check;
  return `${kept(check) ? "ok" : "MISSED"}: ${what} is ${text(value)} ${unit}, has to be below ${below} ${unit}`;
}
