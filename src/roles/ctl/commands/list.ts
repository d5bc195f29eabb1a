import { globMatcher } from "../../../base/glob.ts";
import type { Context } from "../context.ts";
import { alignedLines, fittedLines } from "../table.ts";

/** What a list has for a node: the key that a filter looks at, and the states behind it. */
type Row = readonly [key: string, ...states: string[]];

export async function listUnits(
  context: Context,
  node: string | undefined,
  filter: string | undefined,
): Promise<number> {
  const session = await context.open();
  const units =
    node === undefined
      ? (await session.controller.call("ListUnits", {})).units
      : new Map([[node, (await session.node(node).call("ListUnits", {})).units]]);
  const rows = [...units].flatMap(([name, list]) =>
    list.map(([id, , , active, sub]) => ({ name, row: [id, active, sub] as Row })),
  );
  show(context, ["NODE", "ID", "ACTIVE", "SUB"], rows, filter);
  return 0;
}

export async function listUnitFiles(
  context: Context,
  node: string | undefined,
  filter: string | undefined,
): Promise<number> {
  const session = await context.open();
  const files =
    node === undefined
      ? (await session.controller.call("ListUnitFiles", {})).unitfiles
      : new Map([[node, (await session.node(node).call("ListUnitFiles", {})).unitfiles]]);
  const rows = [...files].flatMap(([name, list]) => list.map((row) => ({ name, row: row as Row })));
  show(context, ["NODE", "PATH", "IS-ENABLED"], rows, filter);
  return 0;
}

function show(
  context: Context,
  header: string[],
  rows: { readonly name: string; readonly row: Row }[],
  filter: string | undefined,
): void {
  const matches = filter === undefined ? () => true : globMatcher(filter);
  const shown = rows.filter(({ row: [key] }) => matches(key));
  const cells = (list: typeof rows) => list.map(({ name, row }) => [name, ...row]);
  const table = { header, rows: cells(shown), widthRows: cells(rows) };
  const { terminal, paint } = context;
  const lines = terminal ? fittedLines(table, paint, terminal.columns) : alignedLines(table, paint);
  context.print(lines.join("\n"));
}
