import { asFailure } from "../../../base/failure.ts";
import type { Context } from "../context.ts";
import type { Session } from "../session.ts";
import { explain, Trouble } from "../trouble.ts";

export async function freezeOrThaw(
  context: Context,
  verb: "freeze" | "thaw",
  node: string,
  unit: string,
): Promise<number> {
  const session = await context.open();
  await session.node(node).call(verb === "freeze" ? "FreezeUnit" : "ThawUnit", { name: unit });
  context.print(`Unit ${unit} ${verb} operation done`);
  return 0;
}

/** What `--kill-whom` may be. */
export const killWhom: readonly string[] = ["all", "main", "control"];

export async function kill(
  context: Context,
  node: string,
  unit: string,
  whom: string,
  signal: string,
): Promise<number> {
  if (!killWhom.includes(whom)) throw new Trouble([`Value '${whom}' of option --kill-whom is invalid`]);
  const number = /^\d{1,2}$/.test(signal) ? Number(signal) : 0;
  if (number < 1 || number > 31) throw new Trouble([`Value '${signal}' of option --signal is invalid`]);
  const session = await context.open();
  try {
    await session.node(node).call("KillUnit", { name: unit, who: whom, signal: number });
  } catch (thrown) {
    throw new Trouble([`Failed to issue method call for KillUnit: ${explain(asFailure(thrown))}`]);
  }
  return 0;
}

/** Resets the failed state of units of a node, of all units of a node, or of all units of all nodes. */
export async function resetFailed(context: Context, node: string | undefined, units: string[]): Promise<number> {
  const session = await context.open();
  if (node === undefined) {
    const { nodes } = await session.controller.call("ListNodes", {});
    let status = 0;
    for (const [name] of nodes) status = Math.max(status, await resetNode(context, session, name));
    return status;
  }
  if (units.length === 0) return resetNode(context, session, node);
  for (const [index, unit] of units.entries()) {
    // The original prints these lines, so programs may read them.
    context.print(`${index + 1} ${unit}`);
    await session.node(node).call("ResetFailedUnit", { name: unit });
  }
  return 0;
}

async function resetNode(context: Context, session: Session, node: string): Promise<number> {
  try {
    await session.node(node).call("ResetFailed", {});
    return 0;
  } catch (thrown) {
    const message = explain(asFailure(thrown));
    context.complain(`Couldn't reset failed state of all units on node '${node}': ${message}`);
    return 1;
  }
}
