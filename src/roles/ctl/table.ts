/** A table whose columns are as wide as the widest of their values. */
export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** The rows that set the width, when they are more than the rows shown. */
  readonly widthRows?: readonly (readonly string[])[];
}

/** Lines with ` | ` between the cells, the last cell padded too, and a line of `=` below the header. */
export function alignedLines({ header, rows, widthRows = rows }: Table, paint: (cell: string) => string): string[] {
  const widths = header.map((title, column) =>
    widthRows.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), title.length),
  );
  const padded = (cells: readonly string[]) => widths.map((width, column) => (cells[column] ?? "").padEnd(width));
  const head = padded(header).join(" | ");
  return [head, "=".repeat(head.length), ...rows.map((row) => padded(row).map(paint).join(" | "))];
}

export const nodeHeader = ["NODE", "STATE", "IP", "LAST SEEN"] as const;
const nodeWidths = [30, 10, 24, 28] as const;
const nodeRuleLength = 90;

/** The table of nodes in the form that programs know: columns of fixed width, cut where they are longer. */
export function nodeLines(rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) =>
    nodeWidths.map((width, column) => (cells[column] ?? "").slice(0, width).padEnd(width)).join("| ");
  return [line(nodeHeader), "=".repeat(nodeRuleLength), ...rows.map(line)];
}

export const unitHeader = ["UNIT", "LOADED", "ACTIVE", "SUBSTATE", "FREEZERSTATE", "ENABLED"] as const;
const tab = 8;
/** What the columns behind the first take, in a table whose tab stops are 8 apart. */
const unitRestLength = 80;

/**
 * The table of units in the form that programs know, in tabs.
 * @param names the units asked for; the longest sets the width of the first column.
 */
export function unitLines(names: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const longest = Math.max(0, ...names.map((name) => name.length));
  const tabs = Math.ceil(longest / tab);
  const [title, ...columns] = unitHeader;
  return [
    `${title}${"\t".repeat(tabs)}${columns.map((column) => `| ${column}\t`).join("")}|`,
    "-".repeat(tabs * tab + unitRestLength),
    ...rows.map(([id = "", ...values]) => {
      const distance = Math.max(0, Math.floor((longest - id.length + tab) / tab));
      // A short value does not reach the next tab stop but one.
      const cells = values.map((value) => `| ${value}\t${value.length < 6 ? "\t" : ""}`);
      return `${id}${"\t".repeat(distance)}${cells.join("")}|`;
    }),
  ];
}

/** Clears the screen, in front of a table that is shown again. */
export const clearScreen = "\u001B[2J\u001B[0;0H";
