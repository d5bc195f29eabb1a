/** A table whose columns are as wide as the widest of their values. */
export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** The rows that set the width, when they are more than the rows shown. */
  readonly widthRows?: readonly (readonly string[])[];
}

/** Colours a cell, or leaves it as it is. */
type Paint = (cell: string) => string;

const separator = " | ";

/** Lines with ` | ` between the cells, the last cell padded too, and a line of `=` below the header. */
export function alignedLines({ header, rows, widthRows = rows }: Table, paint: Paint): string[] {
  const widths = widthsOf(header, widthRows);
  const padded = (cells: readonly string[]) => widths.map((width, column) => (cells[column] ?? "").padEnd(width));
  const head = padded(header).join(separator);
  return [head, "=".repeat(head.length), ...rows.map((row) => padded(row).map(paint).join(separator))];
}

/**
 * The same for people: no wider than the terminal. What does not fit is taken from the widest column; no name is cut, but
 * one that is too long for that column ends its line, and the rest of its row follows below.
 */
export function fittedLines({ header, rows }: Table, paint: Paint, columns: number): string[] {
  const widths = widthsOf(header, rows);
  const wanted = widths.reduce((sum, width) => sum + width, separator.length * (widths.length - 1));
  const widest = widths.indexOf(Math.max(...widths));
  const excess = Math.max(0, wanted - columns);
  widths[widest] = Math.max(header[widest]?.length ?? 0, (widths[widest] ?? 0) - excess);
  const line = (cells: readonly string[]) =>
    cells.reduce((text, cell, column) => {
      const width = widths[column] ?? 0;
      const before = column === 0 ? "" : `${text}${separator}`;
      if (column === cells.length - 1) return before + paint(cell);
      if (cell.length <= width) return before + paint(cell.padEnd(width));
      const indent = widths.slice(0, column + 1).reduce((sum, part) => sum + part, separator.length * column);
      return `${before}${paint(cell)}\n${" ".repeat(indent)}`;
    }, "");
  return [line(header), "=".repeat(Math.min(wanted, columns)), ...rows.map(line)].flatMap((text) => text.split("\n"));
}

function widthsOf(header: readonly string[], rows: readonly (readonly string[])[]): number[] {
  return header.map((title, column) =>
    rows.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), title.length),
  );
}

export const nodeHeader = ["NODE", "STATE", "IP", "LAST SEEN"] as const;
const nodeWidths = [30, 10, 24, 28] as const;
const nodeRuleLength = 90;

/** The table of nodes in the form that programs know: columns of fixed width, cut where they are longer. */
export function nodeLines(rows: readonly (readonly string[])[], paint: Paint): string[] {
  const cut = (cells: readonly string[]) =>
    nodeWidths.map((width, column) => (cells[column] ?? "").slice(0, width).padEnd(width));
  const lines = rows.map((row) => cut(row).map(paint).join("| "));
  return [cut(nodeHeader).join("| "), "=".repeat(nodeRuleLength), ...lines];
}

export const unitHeader = ["UNIT", "LOADED", "ACTIVE", "SUBSTATE", "FREEZERSTATE", "ENABLED"] as const;
const tab = 8;
/** What the columns behind the first take, in a table whose tab stops are 8 apart. */
const unitRestLength = 80;

/**
 * The table of units in the form that programs know, in tabs.
 * @param names the units asked for; the longest sets the width of the first column.
 */
export function unitLines(names: readonly string[], rows: readonly (readonly string[])[], paint: Paint): string[] {
  const longest = Math.max(0, ...names.map((name) => name.length));
  const tabs = Math.ceil(longest / tab);
  const [title, ...columns] = unitHeader;
  return [
    `${title}${"\t".repeat(tabs)}${columns.map((column) => `| ${column}\t`).join("")}|`,
    "-".repeat(tabs * tab + unitRestLength),
    ...rows.map(([id = "", ...values]) => {
      const distance = Math.max(0, Math.floor((longest - id.length + tab) / tab));
      // A short value does not reach the next tab stop but one.
      const cells = values.map((value) => `| ${paint(value)}\t${value.length < 6 ? "\t" : ""}`);
      return `${id}${"\t".repeat(distance)}${cells.join("")}|`;
    }),
  ];
}
