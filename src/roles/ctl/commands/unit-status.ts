import { asFailure } from "../../../base/failure.ts";
import type { Variant } from "../../../base/signature.ts";
import type { Context } from "../context.ts";
import { repaint } from "../screen.ts";
import type { Session } from "../session.ts";
import { fittedLines, unitHeader, unitLines } from "../table.ts";
import { errnoText, explain, Trouble } from "../trouble.ts";
import { Bell, showAgain, untilInterrupted } from "../watch.ts";

const shownProperties = ["Id", "LoadState", "ActiveState", "SubState", "FreezerState", "UnitFileState"];

/** Shows the states of units on a node. */
export async function unitStatus(context: Context, node: string, units: string[]): Promise<number> {
  const session = await context.open();
  return show(context, await look(context, session, node, units));
}

/** Shows the states of units again whenever one of them changes. */
export function watchUnits(context: Context, node: string, units: string[]): Promise<number> {
  return untilInterrupted(async () => {
    const session = await context.open();
    const bell = new Bell();
    const again = async () => {
      const { lines, missing, trouble } = await look(context, session, node, units);
      // A node that is away may come back: what cannot be shown now is no end.
      repaint(context, lines, [...missing, ...(trouble?.lines ?? [])]);
    };
    const first = await look(context, session, node, units);
    // Programs get the first table plain.
    if (!context.terminal || first.trouble) show(context, first);
    else repaint(context, first.lines, first.missing);
    const { monitor } = await session.createMonitor();
    monitor.onSignal("UnitStateChanged", () => bell.ring());
    for (const unit of units) await monitor.call("Subscribe", { node, unit });
    return Promise.race([session.gone(), showAgain(bell, again)]);
  });
}

/** A table of units, and what could not be shown in it. */
interface Look {
  readonly lines: readonly string[];
  readonly missing: readonly string[];
  readonly trouble: Trouble | undefined;
}

async function look(context: Context, session: Session, node: string, units: string[]): Promise<Look> {
  const rows: string[][] = [];
  const missing: string[] = [];
  let trouble: Trouble | undefined;
  for (const unit of units) {
    const row = await unitRow(session, node, unit).catch((thrown: unknown) => {
      trouble = unitTrouble(node, unit, thrown);
    });
    if (trouble) break;
    if (row) rows.push(row);
    else missing.push(`Unit ${unit} could not be found.`);
  }
  const { terminal, paint } = context;
  const lines = terminal
    ? fittedLines({ header: unitHeader, rows }, paint, terminal.columns)
    : unitLines(units, rows, paint);
  return { lines, missing, trouble };
}

/** @throws Trouble when the states could not be asked for. */
function show(context: Context, { lines, missing, trouble }: Look): number {
  for (const line of missing) context.complain(line);
  context.print(lines.join("\n"));
  if (trouble) throw trouble;
  return 0;
}

/** @returns undefined when systemd knows no such unit. */
async function unitRow(session: Session, node: string, unit: string): Promise<string[] | undefined> {
  const { props } = await session.node(node).call("GetUnitProperties", { name: unit, interface: "" });
  if (text(props.get("LoadState")) === "not-found") return undefined;
  return shownProperties.map((name) => text(props.get(name)) || "(null)");
}

function text(property: Variant | undefined): string {
  return property?.signature === "s" ? String(property.value) : "";
}

function unitTrouble(node: string, unit: string, thrown: unknown): Trouble {
  const failure = asFailure(thrown);
  const lines = [
    `Failed to issue call: ${explain(failure)}`,
    `Failed to get status of unit ${unit} on node ${node} - ${errnoText(failure)}`,
  ];
  return new Trouble(lines, { unended: true });
}
