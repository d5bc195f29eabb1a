import { printFingerprint } from "../../../base/fingerprint.ts";
import { parseTimeSpan } from "../../../base/time-span.ts";
import type { Context } from "../context.ts";
import { alignedLines, fittedLines } from "../table.ts";
import { Trouble } from "../trouble.ts";
import { time } from "./printed.ts";

/** How many addresses a token carries at most. */
const maxAddresses = 8;

/** Prints the line that has a host join as this node. */
export async function invite(
  context: Context,
  node: string,
  { ttl, address }: { readonly ttl: string; readonly address: string | undefined },
): Promise<number> {
  const seconds = parseTimeSpan(ttl);
  if (!seconds) throw new Trouble([`Value '${ttl}' of option --ttl is invalid: a time such as 15m, 1h or 2d`]);
  const addresses = (address?.split(",") ?? ownAddresses()).map((text) => text.trim()).filter((text) => text !== "");
  if (address !== undefined && addresses.length === 0)
    throw new Trouble([
      `Value '${address}' of option --address is invalid: HOST or HOST:PORT, several separated by commas`,
    ]);
  const session = await context.open();
  const asked = { node, ttl: BigInt(seconds) * 1_000_000n, addresses };
  const { token } = await session.cluster().call("Invite", asked);
  context.print(`bluechi join ${token}`);
  if (context.terminal) context.note(`Run this line as root on the host that is to be '${node}', once, within ${ttl}`);
  return 0;
}

/** What other hosts may find this one by: its name, then its IPv4 and IPv6 addresses. */
function ownAddresses(): string[] {
  const { hostname, networkInterfaces } = process.getBuiltinModule("node:os");
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const foreign = all.filter(({ internal, address }) => !internal && !address.startsWith("fe80:"));
  const of = (family: string) => foreign.filter((each) => each.family === family).map(({ address }) => address);
  const names = [hostname()].filter((name) => name !== "" && name !== "localhost");
  return [...names, ...of("IPv4"), ...of("IPv6").map((address) => `[${address}]`)].slice(0, maxAddresses);
}

/** Shows the hosts that have asked to join without a token. */
export async function pending(context: Context): Promise<number> {
  const session = await context.open();
  const { requests } = await session.cluster().call("ListPending", {});
  const rows = requests.map(([node, key, address, since]) => [node, printFingerprint(key), address, time(since)]);
  show(context, ["NODE", "KEY", "IP", "SINCE"], rows);
  return 0;
}

/** Lets a host join, or refuses it. @param key the beginning of its key's fingerprint; "" refuses all of that name. */
export async function decide(context: Context, verb: "Approve" | "Deny", node: string, key: string): Promise<number> {
  const session = await context.open();
  await session.cluster().call(verb, { node, fingerprint: key.replaceAll(/[\s:]/g, "").toLowerCase() });
  return 0;
}

/** Ends a node's certificates and its link. */
export async function revoke(context: Context, node: string): Promise<number> {
  const session = await context.open();
  await session.cluster().call("Revoke", { node });
  return 0;
}

/** Shows the nodes that have certificates, and those that are invited. */
export async function listMembers(context: Context): Promise<number> {
  const session = await context.open();
  const { nodes } = await session.cluster().call("ListNodes", {});
  const { invitations } = await session.cluster().call("ListInvitations", {});
  const rows = [
    // A node that was put out before it ever had a certificate has none that could end.
    ...nodes.map(([node, state, serial, expiry]) => [node, state, serial, expiry === 0n ? "" : time(expiry)]),
    ...invitations.map(([node, expiry]) => [node, "invited", "", time(expiry)]),
  ];
  show(context, ["NODE", "STATE", "SERIAL", "UNTIL"], rows);
  return 0;
}

function show({ terminal, paint, print }: Context, header: readonly string[], rows: readonly string[][]): void {
  const table = { header, rows };
  print((terminal ? fittedLines(table, paint, terminal.columns) : alignedLines(table, paint)).join("\n"));
}
