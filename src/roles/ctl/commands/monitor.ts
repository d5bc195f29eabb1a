import { ErrorName, Failure } from "../../../base/failure.ts";
import type { Variant } from "../../../base/signature.ts";
import type { Context } from "../context.ts";
import { untilInterrupted } from "../watch.ts";

/** The properties of systemd's units that are texts and tell what a unit is doing. */
const shownProperties = new Set([
  "ActiveState",
  "BusName",
  "CleanResult",
  "ControlGroup",
  "Description",
  "Following",
  "FragmentPath",
  "FreezerState",
  "LoadState",
  "PIDFile",
  "ReloadResult",
  "Result",
  "Slice",
  "SourcePath",
  "StatusText",
  "SubState",
  "Type",
  "UnitFilePreset",
  "UnitFileState",
]);

/** Follows what happens to units until interrupted. @param units names with commas between them. */
export function monitorUnits(context: Context, node: string, units: string): Promise<number> {
  return untilInterrupted(async () => {
    const session = await context.open();
    const { path, monitor } = await session.createMonitor();
    context.print(`Monitor path: ${path}`);
    const tell = (told: { node: string; unit: string }, ...lines: string[]) => {
      for (const line of [`[${told.node}] ${told.unit}`, ...lines.map((text) => `\t${text}`)]) context.print(line);
    };
    monitor.onSignal("UnitNew", (told) => tell(told, `Unit created (reason: ${told.reason})`));
    monitor.onSignal("UnitRemoved", (told) => tell(told, `Unit removed (reason: ${told.reason})`));
    monitor.onSignal("UnitStateChanged", (told) =>
      tell(told, `Unit state changed (reason: ${told.reason})`, `Active: ${told.active_state} (${told.sub_state})`),
    );
    monitor.onSignal("UnitPropertiesChanged", (told) =>
      tell(told, `Unit properties changed (Interface: ${told.interface})`, ...propertyLines(told.props)),
    );
    const cutOff = new Promise<never>((_, reject) => {
      monitor.onSignal("PeerRemoved", ({ reason }) => {
        reject(new Failure(ErrorName.Disconnected, `The controller has closed the monitor: ${reason}`));
      });
    });
    for (const unit of units.split(",")) {
      context.print(`Subscribing to node '${node}' and unit '${unit}'`);
      await monitor.call("Subscribe", { node, unit });
    }
    return Promise.race([session.gone(), cutOff]);
  });
}

function propertyLines(properties: ReadonlyMap<string, Variant>): string[] {
  return [...properties]
    .filter(([name, { signature }]) => signature === "s" && shownProperties.has(name))
    .map(([name, { value }]) => `${name}: ${value}`);
}
