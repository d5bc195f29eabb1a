import type { Options } from "../../base/options.ts";
import { versionLine } from "../../base/options.ts";
import { clusterStatus, initCluster, rotateAuthority } from "./commands/cluster.ts";
import { decide, invite, listMembers, pending, revoke } from "./commands/enrolment.ts";
import { type JobMethod, runJob } from "./commands/jobs.ts";
import { listUnitFiles, listUnits } from "./commands/list.ts";
import { metrics } from "./commands/metrics.ts";
import { monitorUnits } from "./commands/monitor.ts";
import { nodeStatus, watchNodes } from "./commands/node-status.ts";
import { daemonReload, getDefault, setDefault, setLogLevel } from "./commands/nodes.ts";
import { disable, enable, isEnabled } from "./commands/unit-files.ts";
import { unitStatus, watchUnits } from "./commands/unit-status.ts";
import { freezeOrThaw, kill, resetFailed } from "./commands/units.ts";
import { type Command, command, generalHelp, optionsOf } from "./declaration.ts";

/** Options that every command takes. */
export const globals = {
  help: { short: "h", help: "Show this help" },
  version: { help: "Show the version" },
  color: { argument: "WHEN", help: "Colour states: auto, always or never" },
  "no-ask-password": { help: "Have nobody asked for a password" },
} as const satisfies Options;

const node = { type: "positional", required: true } as const;
const unit = { type: "positional", required: true } as const;
const units = { type: "positional", required: true, valueHint: "UNIT..." } as const;
const anyNode = { ...node, required: false } as const;
const anyUnits = { ...units, required: false } as const;
const filter = { type: "string", valueHint: "GLOB", description: "Show only what the glob matches" } as const;
const asking = { type: "positional", required: true, valueHint: "NODE" } as const;
const key = { type: "positional", required: false, valueHint: "KEY" } as const;
const reload = {
  type: "boolean",
  default: true,
  negativeDescription: "Do not reload the node's systemd afterwards",
} as const;

function job(description: string, method: JobMethod): Command {
  return command(description, { node, unit }, (args, context) => runJob(context, method, args.node, args.unit));
}

/** All that bluechictl can do, in the order of its help. */
export const commands: Record<string, Command> = {
  help: command("Show this help", {}, async (_, context) => {
    context.print(generalHelp(context.program, commands, globals));
    return 0;
  }),
  "list-units": command("List the units on one or all nodes", { node: anyNode, filter }, (args, context) =>
    listUnits(context, args.node, args.filter),
  ),
  "list-unit-files": command("List the unit files on one or all nodes", { node: anyNode, filter }, (args, context) =>
    listUnitFiles(context, args.node, args.filter),
  ),
  start: job("Start a unit", "StartUnit"),
  stop: job("Stop a unit", "StopUnit"),
  restart: job("Restart a unit", "RestartUnit"),
  reload: job("Reload a unit", "ReloadUnit"),
  freeze: command("Freeze a unit", { node, unit }, (args, context) =>
    freezeOrThaw(context, "freeze", args.node, args.unit),
  ),
  thaw: command("Thaw a frozen unit", { node, unit }, (args, context) =>
    freezeOrThaw(context, "thaw", args.node, args.unit),
  ),
  kill: command(
    "Send a signal to processes of a unit",
    {
      node,
      unit,
      "kill-whom": { type: "string", default: "all", valueHint: "WHOM", description: "all, main or control" },
      signal: { type: "string", default: "15", valueHint: "N", description: "Number of the signal, 15 if not given" },
    },
    (args, context) => kill(context, args.node, args.unit, args["kill-whom"], args.signal),
  ),
  "reset-failed": command(
    "Reset the failed state of units, of a node, or of all nodes",
    { node: anyNode, units: anyUnits },
    (args, context) => resetFailed(context, args.node, args._.slice(1)),
  ),
  enable: command(
    "Enable units",
    {
      node,
      units,
      runtime: { type: "boolean", description: "Enable until the next boot only" },
      force: { type: "boolean", alias: "f", description: "Replace links that are in the way" },
      reload,
    },
    (args, context) =>
      enable(context, args.node, args._.slice(1), {
        runtime: args.runtime ?? false,
        force: args.force ?? false,
        reload: args.reload,
      }),
  ),
  disable: command("Disable units", { node, units, reload }, (args, context) =>
    disable(context, args.node, args._.slice(1), args.reload),
  ),
  "is-enabled": command("Tell whether a unit is enabled", { node, unit }, (args, context) =>
    isEnabled(context, args.node, args.unit),
  ),
  metrics: command(
    "Switch metrics on or off, or follow them",
    { action: { type: "positional", required: true, valueHint: "enable|disable|listen" } },
    (args, context) => metrics(context, args.action),
  ),
  monitor: command(
    "Follow what happens to units, of one or all nodes",
    { node: anyNode, units: { type: "positional", required: false, valueHint: "UNIT,UNIT" } },
    (args, context) => monitorUnits(context, args.node ?? "*", args.units ?? "*"),
  ),
  status: command(
    "Show the nodes, or units of a node",
    { node: anyNode, units: anyUnits, watch: { type: "boolean", alias: "w", description: "Show every change" } },
    (args, context) => {
      const names = args._.slice(1);
      if (args.node === undefined || names.length === 0)
        return (args.watch ? watchNodes : nodeStatus)(context, args.node);
      return (args.watch ? watchUnits : unitStatus)(context, args.node, names);
    },
  ),
  "cluster init": command(
    "Make an authority that gives certificates to nodes",
    {
      cluster: { type: "positional", required: false, valueHint: "NAME" },
      cut: { type: "boolean", description: "Cut off agents that are connected without TLS" },
    },
    (args, context) => initCluster(context, args.cluster, args.cut ?? false),
  ),
  "cluster status": command("Show the authority, and how nodes connect", {}, (_, context) => clusterStatus(context)),
  "cluster rotate-ca": command(
    "Replace the authority, while both are trusted",
    {
      finish: { type: "boolean", description: "Trust the new one only" },
      force: { type: "boolean", alias: "f", description: "Even if there are nodes that have to join again then" },
    },
    (args, context) => rotateAuthority(context, { finish: args.finish ?? false, force: args.force ?? false }),
  ),
  "node invite": command(
    "Print the command that has a host join as a node",
    {
      node,
      ttl: { type: "string", default: "15m", valueHint: "TIME", description: "How long it holds, 15m if not given" },
      address: {
        type: "string",
        valueHint: "HOST[:PORT],...",
        description: "The controller as the host finds it, if not by its name and addresses",
      },
    },
    (args, context) => invite(context, args.node, args),
  ),
  "node pending": command("Show the hosts that wait to be approved", {}, (_, context) => pending(context)),
  "node approve": command("Let a host join that waits", { asking, key: { ...key, required: true } }, (args, context) =>
    decide(context, "Approve", args.asking, args.key),
  ),
  "node deny": command("Refuse a host that waits", { asking, key }, (args, context) =>
    decide(context, "Deny", args.asking, args.key ?? ""),
  ),
  "node revoke": command(
    "End a node's certificates and its link, for good",
    { member: { type: "positional", required: true, valueHint: "NODE" } },
    (args, context) => revoke(context, args.member),
  ),
  "node list": command("Show the nodes that have certificates, or are invited", {}, (_, context) =>
    listMembers(context),
  ),
  "set-loglevel": command(
    "Set the log level of a node or of the controller",
    // The node comes first and may be left out: a single word is the level, though citty takes it for the node.
    { node: anyNode, level: { type: "positional", required: true, default: "" } },
    ({ _: words }, context) => setLogLevel(context, words.length > 1 ? words[0] : undefined, words.at(-1) ?? ""),
  ),
  "daemon-reload": command("Reload the systemd of a node", { node }, (args, context) =>
    daemonReload(context, args.node),
  ),
  "get-default": command("Show the default target of a node", { node }, (args, context) =>
    getDefault(context, args.node),
  ),
  "set-default": command(
    "Set the default target of a node",
    { node, target: { type: "positional", required: true } },
    (args, context) => setDefault(context, args.node, args.target),
  ),
  version: command("Show the version", {}, async (_, context) => {
    context.print(versionLine(context.program));
    return 0;
  }),
};

/** The options of all commands: whether one fits its command is asked later, and told in other words than getopt's. */
export function knownOptions(): typeof globals {
  return Object.assign({}, ...Object.values(commands).map(({ args }) => optionsOf(args)), globals);
}
