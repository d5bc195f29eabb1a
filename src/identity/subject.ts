import { ErrorName, Failure } from "../base/failure.ts";

/** Whose certificate it is. Its name is in the certificate as the only alternative name, as a URI. */
export type Subject = NodeSubject | ControllerSubject;
export type Role = Subject["role"];
interface NodeSubject {
  readonly cluster: string;
  readonly role: "node";
  readonly node: string;
}
interface ControllerSubject {
  readonly cluster: string;
  readonly role: "controller";
}

const clusterName = /^[a-z0-9-]{1,63}$/;
/** Bytes of a node's name that a certificate takes. */
const maxNode = 255;

/** @throws Failure InvalidArgs for what is no name of a cluster. */
export function checkClusterName(name: string): void {
  if (clusterName.test(name)) return;
  throw new Failure(
    ErrorName.InvalidArgs,
    `'${name}' is no name for a cluster: 1 to 63 of the characters a-z, 0-9 and '-'`,
  );
}

/** What lists, commands and logs could not tell from something else: blanks, commas, control characters, and the `*` for all. */
const ambiguous = /[\s,\p{C}]|^\*$/u;

/** @throws Failure InvalidArgs for what no certificate can name. */
export function checkNodeName(name: string): void {
  if (name !== "" && Buffer.byteLength(name) <= maxNode && !ambiguous.test(name)) return;
  const rule = `1 to ${maxNode} bytes without blanks, commas and control characters, and not '*'`;
  throw new Failure(ErrorName.InvalidArgs, `${JSON.stringify(name.slice(0, maxNode))} is no name for a node: ${rule}`);
}

/** The name as a certificate has it: `bluechi://CLUSTER/node/NAME`, NAME percent-encoded, or `bluechi://CLUSTER/controller`. */
export function formatSubject(subject: Subject): string {
  checkClusterName(subject.cluster);
  if (subject.role === "controller") return `bluechi://${subject.cluster}/controller`;
  checkNodeName(subject.node);
  return `bluechi://${subject.cluster}/node/${encodeURIComponent(subject.node)}`;
}

/** What `formatSubject` has written; undefined for all else, another spelling of the same name too. */
export function parseSubject(uri: string): Subject | undefined {
  const [, cluster = "", path = ""] = /^bluechi:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
  const node = /^node\/(.+)$/.exec(path)?.[1];
  try {
    const subject: Subject =
      node === undefined ? { cluster, role: "controller" } : { cluster, role: "node", node: decodeURIComponent(node) };
    return formatSubject(subject) === uri ? subject : undefined;
  } catch {
    return undefined;
  }
}

/** A subject in words. */
export function describeSubject(subject: Subject): string {
  return subject.role === "node" ? `node '${subject.node}'` : `the controller of '${subject.cluster}'`;
}
