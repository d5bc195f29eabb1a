import { printFingerprint } from "../../../base/fingerprint.ts";
import type { Context } from "../context.ts";
import { Trouble } from "../trouble.ts";
import { day } from "./printed.ts";

/** Makes the cluster. @param named undefined for the host's name. @param cut whether agents may be cut off by that. */
export async function initCluster(context: Context, named: string | undefined, cut: boolean): Promise<number> {
  // A variable of a script that was never set is not meant to be the host's name.
  if (named === "") throw new Trouble(["The name of the cluster is empty; without a name it is the host's"]);
  const name = named ?? "";
  const session = await context.open();
  const { fingerprint } = await session.cluster().call("Init", { name, cut });
  const made = await session.cluster().get("Name");
  context.print(`Made the cluster '${made}'. The fingerprint of its authority is\n  ${printFingerprint(fingerprint)}`);
  context.note("Each host joins with one command, which is printed by: bluechictl node invite NODE");
  return 0;
}

/** Shows who makes certificates, how agents connect, and how many nodes are in which state. */
export async function clusterStatus(context: Context): Promise<number> {
  const session = await context.open();
  const cluster = session.cluster();
  const { Name, Fingerprint = "", OldFingerprint, Expiry = 0n } = await cluster.getAll();
  const security = await cluster.get("Security");
  if (!Name) {
    context.print(`There is no cluster, and links are: ${security}. Make one with: bluechictl cluster init`);
    return 0;
  }
  const rows: [string, string][] = [
    ["Cluster", Name],
    ["Security", `${security}; the port for TLS is ${await cluster.get("TLSPort")}`],
    ["Authority", `${printFingerprint(Fingerprint)}, until ${day(Expiry)}`],
  ];
  // A controller of an older version does not tell.
  const trouble = await cluster.get("Trouble").catch(() => "");
  if (trouble) rows.splice(2, 0, ["Trouble", `${trouble}; once that is ended: systemctl reload bluechi-controller`]);
  if (OldFingerprint) rows.push(["Authority before", `${printFingerprint(OldFingerprint)}, still trusted`]);
  const { nodes } = await cluster.call("ListNodes", {});
  const { invitations } = await cluster.call("ListInvitations", {});
  const { requests } = await cluster.call("ListPending", {});
  rows.push(["Certificates", counted(nodes.map(([, state]) => state)) || "none"]);
  if (invitations.length > 0) rows.push(["Invited", invitations.map(([node]) => node).join(", ")]);
  if (requests.length > 0) rows.push(["Pending", requests.map(([node]) => node).join(", ")]);
  const width = Math.max(...rows.map(([title]) => title.length));
  for (const [title, text] of rows) context.print(`${title.padStart(width)}: ${text}`);
  return 0;
}

function counted(words: readonly string[]): string {
  return [...new Set(words)].map((word) => `${words.filter((each) => each === word).length} ${word}`).join(", ");
}

/** Begins to replace the authority, or ends that. */
export async function rotateAuthority(
  context: Context,
  { finish, force }: { readonly finish: boolean; readonly force: boolean },
): Promise<number> {
  if (force && !finish) throw new Trouble(["--force goes with --finish only"]);
  const session = await context.open();
  if (finish) {
    await session.cluster().call("FinishRotation", { force });
    context.print("Only the new authority is trusted from now on.");
    return 0;
  }
  const { fingerprint } = await session.cluster().call("RotateAuthority", {});
  context.print(`Made a new authority. Its fingerprint is\n  ${printFingerprint(fingerprint)}`);
  context.note("Nodes renew their certificates now. Once all have: bluechictl cluster rotate-ca --finish");
  return 0;
}
