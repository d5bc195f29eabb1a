import { definePublic } from "./access.ts";

export const clusterInterface = definePublic({
  name: "org.eclipse.bluechi.Cluster",
  methods: {
    Init: {
      in: { name: "s", cut: "b" },
      out: { fingerprint: "s" },
      access: { action: "manage-nodes", verb: "init-cluster" },
      help: "Makes an authority for a cluster of this name, and the controller's certificate, and returns the fingerprint of the authority. Where Security= is not set, agents connect with TLS from then on; that is refused while it would cut off agents, unless cut says so. When a port cannot be opened, the error tells so, and the cluster is made nevertheless.",
    },
    Invite: {
      in: { node: "s", ttl: "t", addresses: "as" },
      out: { token: "s" },
      access: { action: "manage-nodes", verb: "invite", node: "node" },
      help: "Returns a token with which one host may join as this node, once, for so many microseconds. The addresses are those of the controller as the host sees it, HOST or HOST:PORT, at most 8. An older invitation of the node ends.",
    },
    ListInvitations: {
      in: {},
      out: { invitations: "a(st)" },
      access: "read",
      help: "Lists the invitations that nobody has made use of yet: the node, and when it ends, in microseconds since 1970.",
    },
    ListPending: {
      in: {},
      out: { requests: "a(ssst)" },
      access: "read",
      help: "Lists the hosts that have asked to join without a token: the name that they ask for, the fingerprint of their key, their IP address, and when they first asked, in microseconds since 1970.",
    },
    Approve: {
      in: { node: "s", fingerprint: "s" },
      out: {},
      access: { action: "manage-nodes", verb: "approve", node: "node" },
      help: "Lets the host join that asks for this name. The fingerprint is that of its key, or the beginning of that, of 16 digits at least.",
    },
    Deny: {
      in: { node: "s", fingerprint: "s" },
      out: {},
      access: { action: "manage-nodes", verb: "deny", node: "node" },
      help: "Refuses all hosts that ask for this name, or the one with this key.",
    },
    Revoke: {
      in: { node: "s" },
      out: {},
      access: { action: "manage-nodes", verb: "revoke", node: "node" },
      help: "Ends the node's certificates, for good, its link, and an invitation that it has. It may be invited again. A name that neither the cluster nor the configuration knows is an error.",
    },
    ListNodes: {
      in: {},
      out: { nodes: "a(ssst)" },
      access: "read",
      help: "Lists the nodes that have, or had, a certificate: the name, the state (valid, expired or revoked), the serial number of the certificate, and when it ends, in microseconds since 1970.",
    },
    RotateAuthority: {
      in: {},
      out: { fingerprint: "s" },
      access: { action: "manage-nodes", verb: "rotate-authority" },
      help: "Makes an authority that is to take the place of the present one, and returns its fingerprint. Both are trusted until FinishRotation; agents are told, and renew their certificates.",
    },
    FinishRotation: {
      in: { force: "b" },
      out: {},
      access: { action: "manage-nodes", verb: "finish-rotation" },
      help: "Trusts the new authority only. That is refused while there are nodes that have no certificate of it, unless force says so: they have to join again.",
    },
  },
  signals: {},
  properties: {
    Name: { type: "s", emits: "change", help: "The name of the cluster; empty as long as there is none." },
    Fingerprint: { type: "s", emits: "change", help: "The fingerprint of the authority that makes certificates." },
    OldFingerprint: {
      type: "s",
      emits: "change",
      help: "That of the one before it, as long as it is trusted, too; empty when there is none.",
    },
    Expiry: {
      type: "t",
      emits: "change",
      help: "When the authority's certificate ends, in microseconds since 1970; 0 when there is none.",
    },
    Security: {
      type: "s",
      emits: "explicit",
      help: "How agents may connect from other hosts: tls, plain or both; none where UseTCP=no.",
    },
    TLSPort: { type: "q", emits: "explicit", help: "The port that agents with a certificate connect to." },
    Trouble: {
      type: "s",
      emits: "explicit",
      help: "What keeps the controller from listening as it is to, such as a port that is taken; empty when nothing does. A reload tries again.",
    },
  },
});
