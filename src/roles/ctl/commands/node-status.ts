import { asFailure } from "../../../base/failure.ts";
import { stamp } from "../../../base/log.ts";
import type { Context } from "../context.ts";
import { repaint } from "../screen.ts";
import type { Session } from "../session.ts";
import { fittedLines, nodeHeader, nodeLines } from "../table.ts";
import { explain, Trouble } from "../trouble.ts";
import { Bell, showAgain, untilInterrupted } from "../watch.ts";

/** Shows the nodes, or one of them. */
export async function nodeStatus(context: Context, only: string | undefined): Promise<number> {
  const session = await context.open();
  context.print((await nodeTable(context, session, only)).join("\n"));
  if (only === undefined && !context.compatible) await warnOfPlainLinks(context, session);
  return 0;
}

/** Says when anybody who reaches the controller's port can be a node. */
async function warnOfPlainLinks(context: Context, session: Session): Promise<void> {
  const cluster = session.cluster();
  // A controller that does not tell, or not to this caller, is not to be warned of.
  const security = await cluster.get("Security").catch(() => "");
  if (security !== "plain" && security !== "both") return;
  const remedy = security === "both" ? "Security=tls ends that" : "'bluechictl cluster init' ends that";
  context.note(`Links without TLS are allowed: who reaches the controller's port can pose as a node; ${remedy}.`);
}

/** Shows the nodes again whenever one comes or goes. */
export function watchNodes(context: Context, only: string | undefined): Promise<number> {
  return untilInterrupted(async () => {
    const session = await context.open();
    const bell = new Bell();
    const show = async () => repaint(context, await nodeTable(context, session, only));
    await session.onNodesChanged(() => bell.ring());
    await show();
    return Promise.race([session.gone(), showAgain(bell, show)]);
  });
}

async function nodeTable(context: Context, session: Session, only: string | undefined): Promise<string[]> {
  const rows = await nodeRows(session, only);
  const { terminal, paint } = context;
  return terminal ? fittedLines({ header: nodeHeader, rows }, paint, terminal.columns) : nodeLines(rows, paint);
}

async function nodeRows(session: Session, only: string | undefined): Promise<string[][]> {
  const { nodes } = await session.controller.call("ListNodes", {}).catch((thrown: unknown) => {
    throw new Trouble([`Failed to list nodes: ${explain(asFailure(thrown))}`]);
  });
  const chosen = nodes.filter(([name]) => only === undefined || name === only);
  if (chosen.length === 0 && only !== undefined) throw new Trouble([`Node ${only} not found`]);
  const rows: string[][] = [];
  // One after the other: a bus lets a program have so and so many calls at a time, and there may be more nodes.
  for (const [name, path, state, ip] of chosen) rows.push([name, state, ip, await lastSeen(session, path, state)]);
  return rows;
}

async function lastSeen(session: Session, path: string, state: string): Promise<string> {
  if (state === "online") return "now";
  const micros = await session.nodeAt(path).get("LastSeenTimestamp");
  return micros === 0n ? "never" : stamp(new Date(Number(micros / 1000n)));
}
