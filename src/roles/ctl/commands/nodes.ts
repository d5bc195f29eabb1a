import { isLevel } from "../../../base/log.ts";
import type { Context } from "../context.ts";
import { Trouble } from "../trouble.ts";

export async function daemonReload(context: Context, node: string): Promise<number> {
  const session = await context.open();
  await session.node(node).call("Reload", {});
  return 0;
}

export async function getDefault(context: Context, node: string): Promise<number> {
  const session = await context.open();
  const { defaulttarget } = await session.node(node).call("GetDefaultTarget", {});
  context.print(defaulttarget);
  return 0;
}

export async function setDefault(context: Context, node: string, target: string): Promise<number> {
  if (!target.endsWith(".target")) {
    throw new Trouble([`Error: Unit '${target}' is not a target unit`], { status: context.compatible ? 0 : 1 });
  }
  const session = await context.open();
  const { out } = await session.node(node).call("SetDefaultTarget", { defaulttarget: target, force: true });
  context.print(`[${out.map(([type, path, source]) => `(${type} ${path} ${source}),`).join("")}]`);
  return 0;
}

/** Sets the log level of a node's agent, or of the controller. */
export async function setLogLevel(context: Context, node: string | undefined, level: string): Promise<number> {
  // Agents take any word without an error; the caller should know when it is none of the levels.
  if (!isLevel(level) && !(context.compatible && node !== undefined)) {
    throw new Trouble(["Failed to issue method call: Invalid input for log level"]);
  }
  const session = await context.open();
  if (node === undefined) await session.controller.call("SetLogLevel", { loglevel: level });
  else await session.node(node).call("SetLogLevel", { level });
  return 0;
}
