import { asFailure } from "../../../base/failure.ts";
import type { Context } from "../context.ts";
import { errnoText, explain, Trouble } from "../trouble.ts";

type Change = readonly [type: string, path: string, source: string];

export interface EnableFlags {
  readonly runtime: boolean;
  readonly force: boolean;
  readonly reload: boolean;
}

export async function enable(context: Context, node: string, files: string[], flags: EnableFlags): Promise<number> {
  const { runtime, force } = flags;
  const session = await context.open();
  const { carries_install_info: carries, changes } = await session
    .node(node)
    .call("EnableUnitFiles", { files, runtime, force })
    .catch((thrown: unknown) => fail("enable", node, thrown, 1));
  context.note(
    carries
      ? "The unit files included enablement information"
      : "The unit files did not include any enablement information",
  );
  for (const change of changes) context.note(changeLine(change));
  if (flags.reload) await session.node(node).call("Reload", {});
  return 0;
}

export async function disable(context: Context, node: string, files: string[], reload: boolean): Promise<number> {
  const session = await context.open();
  const { changes } = await session
    .node(node)
    .call("DisableUnitFiles", { files, runtime: false })
    .catch((thrown: unknown) => fail("disable", node, thrown, context.compatible ? 0 : 1));
  for (const change of changes) context.note(changeLine(change));
  if (reload) await session.node(node).call("Reload", {});
  return 0;
}

function changeLine([type, path, source]: Change): string {
  if (type === "symlink") return `Created symlink ${path} -> ${source}`;
  // In systemctl's words: nothing was changed, but the link is of no use before there is such a unit.
  if (type === "destination not present")
    return `Unit ${source} is added as a dependency to a non-existent unit ${path}.`;
  return `Removed "${path}".`;
}

function fail(verb: string, node: string, thrown: unknown, status: number): never {
  const failure = asFailure(thrown);
  const lines = [
    `Failed to issue call: ${explain(failure)}`,
    `Failed to ${verb} the units on node [${node}] - ${errnoText(failure)}`,
  ];
  throw new Trouble(lines, { status });
}

/** The states for which `systemctl is-enabled` exits with 0. */
const enabledStates = ["enabled", "enabled-runtime", "static", "alias", "indirect", "generated"];

export async function isEnabled(context: Context, node: string, unit: string): Promise<number> {
  const session = await context.open();
  const { state } = await session.node(node).call("GetUnitFileState", { file: unit });
  context.print(state);
  return enabledStates.includes(state) ? 0 : 1;
}
