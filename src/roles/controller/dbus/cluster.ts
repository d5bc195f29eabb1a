import { hostname } from "node:os";
import { clusterInterface } from "../../../api/cluster.ts";
import type { About } from "../../../api/gatekeeper.ts";
import { clusterPath } from "../../../api/names.ts";
import { ErrorName, Failure } from "../../../base/failure.ts";
import type { ObjectTree } from "../../../bus/serve.ts";
import { formatPlace, parsePlace } from "../../../wire/place.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Entrance } from "../entrance.ts";

const us = (ms: number | undefined) => BigInt(ms ?? 0) * 1000n;

/** Serves the certificates of nodes on the bus, and tells what changes. @returns what ends that. */
export function serveCluster(tree: ObjectTree<About>, cluster: Cluster, entrance: Entrance): () => void {
  const served = tree.add(
    clusterPath,
    clusterInterface,
    {
      Init: async ({ name, cut }) => {
        const { endangered } = entrance;
        if (endangered.length > 0 && !cut) throw wouldCut(endangered);
        const fingerprint = await cluster.init(name || clusterName(hostname()));
        await entrance.reviewed();
        if (entrance.trouble !== undefined) throw noEntrance(cluster.name ?? "", entrance.trouble);
        return { fingerprint };
      },
      Invite: async ({ node, ttl, addresses }) => {
        const { tlsPort } = entrance;
        const given = addresses.length > 0 ? addresses : [hostname()];
        const places = given.map((text) => formatPlace(parsePlace(text, tlsPort)));
        return { token: await cluster.enrolment.invite(node, Number(ttl / 1000n), places) };
      },
      ListInvitations: () => ({
        invitations: cluster.enrolment.invitations.map(({ node, expiresMs }) => [node, us(expiresMs)]),
      }),
      ListPending: () => ({
        requests: cluster.enrolment.pending.map(({ node, fingerprint, peer, sinceMs }) => [
          node,
          fingerprint,
          peer,
          us(sinceMs),
        ]),
      }),
      Approve: ({ node, fingerprint }) => cluster.enrolment.approve(node, fingerprint),
      Deny: ({ node, fingerprint }) => cluster.enrolment.deny(node, fingerprint),
      Revoke: ({ node }) => cluster.revoke(node, { configured: entrance.configured(node) }),
      ListNodes: () => ({
        nodes: cluster.certified.map(({ node, state, certificate }) => [
          node,
          state,
          certificate?.serial ?? "",
          us(certificate?.notAfterMs),
        ]),
      }),
      RotateAuthority: async () => ({ fingerprint: await cluster.rotate() }),
      FinishRotation: ({ force }) => cluster.finishRotation(force),
    },
    {
      Name: () => cluster.name ?? "",
      Fingerprint: () => cluster.authorities?.current.fingerprint ?? "",
      OldFingerprint: () => cluster.authorities?.retiring?.fingerprint ?? "",
      Expiry: () => us(cluster.authorities?.current.notAfterMs),
      Security: () => entrance.security,
      TLSPort: () => entrance.tlsPort,
      Trouble: () => entrance.trouble ?? "",
    },
  );
  const changed = () => served.changed("Name", "Fingerprint", "OldFingerprint", "Expiry");
  const unlisten = cluster.listen({ changed, ended: () => {} });
  return () => {
    unlisten();
    served.remove();
  };
}

function wouldCut(nodes: readonly string[]): Failure {
  const names = nodes.slice(0, 20).join(", ") + (nodes.length > 20 ? ` and ${nodes.length - 20} more` : "");
  return new Failure(
    ErrorName.Failed,
    `This would cut off nodes that are connected without TLS: ${names}. Set Security=both in the controller's configuration and reload it, until they have joined; or say --cut`,
  );
}

function noEntrance(name: string, trouble: string): Failure {
  const remedy = "end that, and then: systemctl reload bluechi-controller";
  return new Failure(
    ErrorName.Failed,
    `The cluster '${name}' is made, but agents cannot connect: ${trouble}; ${remedy}`,
  );
}

/** A cluster's name that is like a host's. */
function clusterName(host: string): string {
  const [label = ""] = host.toLowerCase().split(".");
  return label.replaceAll(/[^a-z0-9-]/g, "-").slice(0, 63) || "bluechi";
}
