import { asFailure } from "../../../base/failure.ts";
import type { Variant } from "../../../base/signature.ts";
import type { Context } from "../context.ts";
import type { Session } from "../session.ts";
import { alignedLines, clearScreen, unitHeader, unitLines } from "../table.ts";
import { errnoText, explain, Trouble } from "../trouble.ts";
import { Bell, showAgain, untilInterrupted } from "../watch.ts";

const shownProperties = ["Id", "LoadState", "ActiveState", "SubState", "FreezerState", "UnitFileState"];

/** Shows the states of units on a node. */
export async function unitStatus(context: Context, node: string, units: string[]): Promise<number> {
  const session = await context.open();
  await show(context, session, node, units, "");
  return 0;
}

/** Shows the states of units again whenever one of them changes. */
export function watchUnits(context: Context, node: string, units: string[]): Promise<number> {
  return untilInterrupted(async () => {
    const session = await context.open();
    const bell = new Bell();
    await show(context, session, node, units, "");
    const { monitor } = await session.createMonitor();
    monitor.onSignal("UnitStateChanged", () => bell.ring());
    for (const unit of units) await monitor.call("Subscribe", { node, unit });
    const again = async () => {
      try {
        await show(context, session, node, units, clearScreen);
      } catch (thrown) {
        // A node that is away may come back: what cannot be shown now is no end.
        if (!(thrown instanceof Trouble)) throw thrown;
        for (const line of thrown.lines) context.complain(line);
      }
    };
    return Promise.race([session.gone(), showAgain(bell, again)]);
  });
}

async function show(context: Context, session: Session, node: string, units: string[], prefix: string): Promise<void> {
  const rows: string[][] = [];
  let trouble: Trouble | undefined;
  for (const unit of units) {
    const row = await unitRow(session, node, unit).catch((thrown: unknown) => {
      trouble = unitTrouble(node, unit, thrown);
    });
    if (trouble) break;
    if (row) rows.push(row);
    else context.complain(`Unit ${unit} could not be found.`);
  }
  const lines = context.terminal ? alignedLines({ header: unitHeader, rows }, context.paint) : unitLines(units, rows);
  context.print(prefix + lines.join("\n"));
  if (trouble) throw trouble;
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
