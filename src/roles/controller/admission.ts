import type { Clock } from "../../base/clock.ts";
import { ErrorName, Failure } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import { Rationed } from "../../base/rationed.ts";
import { readCertificate } from "../../identity/certificate.ts";
import { judge } from "../../identity/judge.ts";
import type { AcceptorOptions } from "../../wire/handshake.ts";
import type { Session } from "../../wire/session.ts";
import type { Transport } from "../../wire/transport.ts";
import { certificateHandlers, type Issuer, tellAuthorities } from "./cluster/certificates.ts";
import type { Cluster } from "./cluster/cluster.ts";
import type { Controller } from "./controller.ts";
import type { LocalPeers } from "./local-peers.ts";
import { type ControllerSettings, silenceMs } from "./settings.ts";

/** What decides about certificates. */
type Trust = Pick<Cluster, "credentials" | "isRevoked" | "isOut">;

/** What is in force while an agent says hello. */
interface Conditions {
  /** Without, nobody is let in with TLS, or given a certificate. */
  readonly cluster?: Trust & Issuer;
  /** Who may use the unix socket. Without, everybody whom the file's mode lets through. */
  readonly localPeers?: Pick<LocalPeers, "trouble">;
  readonly service: { readonly settings: Pick<ControllerSettings, "HeartbeatInterval" | "NodeHeartbeatThreshold"> };
}

/**
 * What is wrong with an agent's SELinux context, undefined for nothing.
 * @param required "" when any will do.
 * @param actual undefined when it is not known: what cannot be checked is refused.
 */
export function contextTrouble(required: string, actual: string | undefined): string | undefined {
  if (required === "" || required === actual) return undefined;
  return actual === undefined
    ? `its SELinux context is not known, '${required}' is required`
    : `its SELinux context is '${actual}', '${required}' is required`;
}

/** @throws Failure AccessDenied when the peer has not proved to be this node of the cluster. */
function checkCertificate(name: string, transport: Transport, cluster: Trust | undefined, nowMs: number): void {
  const der = transport.certificate?.();
  const { node } = judge(der && readCertificate(der), {
    authorities: cluster?.credentials?.authorities ?? [],
    cluster: cluster?.credentials?.cluster,
    role: "node",
    nowMs,
    isRevoked: (certificate) => cluster?.isRevoked(certificate) ?? false,
  });
  if (node === name) return;
  throw new Failure(ErrorName.AccessDenied, `the certificate is that of node '${node}', not of '${name}'`);
}

/**
 * Decides on agents that say hello: those with the name of a known node become that node's connection. One that only asks
 * is refused with AddressInUse while there is a connection, which a hello would take the place of.
 */
export function admission(
  controller: Controller,
  { service, cluster, localPeers }: Conditions,
  log: Log,
  clock: Clock,
): AcceptorOptions["admit"] {
  const refusals = new Rationed((text) => log.error(text), clock);
  return (hello, transport) => {
    const stranger = transport.peer === "" ? localPeers?.trouble(transport.credentials?.()) : undefined;
    if (stranger !== undefined) throw new Failure(ErrorName.AccessDenied, stranger);
    if (transport.secure) checkCertificate(hello.node, transport, cluster, Number(clock.realtimeUs() / 1000n));
    const node = controller.admit(hello.node);
    if (cluster?.isOut(node.name)) throw new Failure(ErrorName.AccessDenied, `Node '${node.name}' has been revoked`);
    if (node.requireTls && !transport.secure && transport.peer !== "") {
      throw new Failure(ErrorName.AccessDenied, `Node '${node.name}' may connect from other hosts with TLS only`);
    }
    const { settings } = service;
    const trouble =
      node.requiredContext === "" ? undefined : contextTrouble(node.requiredContext, transport.securityContext?.());
    if (trouble !== undefined) {
      refusals.say(node.name, `Agent may not register as '${node.name}': ${trouble}`);
      throw new Failure(ErrorName.AccessDenied, "Wrong SELinux context");
    }
    if (!hello.probe && node.isSuperseded(hello)) {
      throw new Failure(ErrorName.Failed, "a later attempt of the same agent has come before");
    }
    if (hello.probe && node.online) {
      throw new Failure(ErrorName.AddressInUse, `another agent is connected as '${node.name}'`);
    }
    let session: Session<"controller"> | undefined;
    return {
      handlers: {
        ...controller.handlers(node),
        ...certificateHandlers(cluster, node.name, () => session),
      },
      heartbeat: { intervalMs: settings.HeartbeatInterval, thresholdMs: silenceMs(settings) },
      onSession(opened) {
        session = opened;
        node.origin = hello;
        log.debug(`Agent of node '${node.name}' has version ${hello.version}`);
        controller.connected(node, opened, transport.peer);
        if (cluster) tellAuthorities(cluster, node);
      },
      onHeartbeat: () => node.seen(),
      onClose(reason) {
        if (reason.startsWith("no heartbeat")) {
          const silent = `since '${settings.NodeHeartbeatThreshold}'ms`;
          log.warn(`Did not receive heartbeat from node '${node.name}' ${silent}. Disconnecting it...`);
        }
        if (session) controller.disconnected(node, session, reason);
      },
    };
  };
}
