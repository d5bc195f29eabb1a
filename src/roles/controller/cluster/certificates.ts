import { ErrorName, Failure } from "../../../base/failure.ts";
import type { Handlers } from "../../../wire/messages.ts";
import type { Session } from "../../../wire/session.ts";
import type { Node } from "../node.ts";
import type { Cluster } from "./cluster.ts";

/** The part of a cluster that concerns connected nodes. */
export type Issuer = Pick<Cluster, "nodes" | "trusted" | "renew">;

/** What a node's agent may ask of the cluster. Over a link that others can change it may ask for nothing. */
export function certificateHandlers(
  issuer: Issuer | undefined,
  node: string,
  session: () => Session<"controller"> | undefined,
): Pick<Handlers<"controller">, "renewCertificate"> {
  return {
    async renewCertificate({ request }) {
      if (!issuer) throw new Failure(ErrorName.Failed, "this controller has no cluster");
      if (!session()?.secure)
        throw new Failure(ErrorName.AccessDenied, "certificates are renewed over links with TLS only");
      return issuer.renew(node, request);
    },
  };
}

/** Tells a node that has a certificate whom to believe. */
export function tellAuthorities({ nodes, trusted }: Issuer, node: Node): void {
  if (!node.plain && nodes.has(node.name)) node.emit("authoritiesChanged", { authorities: trusted });
}
