import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { agentPlaces } from "../../base/agent-places.ts";
import { ErrorName, Failure } from "../../base/failure.ts";
import type { Ini } from "../../base/ini.ts";
import { loadConfiguration } from "../../base/settings.ts";

/** It sorts behind what people and packages write, so that it counts. */
const dropIn = `${agentPlaces.file}.d/zz-join.conf`;

/** What the agent has to know of its controller. */
export interface Membership {
  readonly node: string;
  /** The controller's, as ControllerAddress= has it. */
  readonly address: string;
}

/** All settings that say who an agent is, and who its controller; the values of those that joining sets. */
function settingsOf({ node, address }: Membership): Record<string, string | undefined> {
  return {
    NodeName: node,
    ControllerAddress: address,
    Security: "tls",
    ControllerHost: undefined,
    ControllerPort: undefined,
  };
}

/** The file that has an agent belong to a controller. */
export function dropInText(membership: Membership): string {
  const lines = Object.entries(settingsOf(membership)).flatMap(([key, value]) => (value ? [`${key}=${value}`] : []));
  const head = [
    "# Written by bluechi join. It counts before the files in front of it, by name.",
    `[${agentPlaces.section}]`,
  ];
  return [...head, ...lines, ""].join("\n");
}

/** What of a configuration counts no more once a host has joined, in words. */
export function replaced(ini: Ini, membership: Membership): string[] {
  const section = ini.get(agentPlaces.section);
  return Object.entries(settingsOf(membership)).flatMap(([key, value]) => {
    const entry = section?.get(key);
    if (!entry || entry.value === "" || entry.value === value || entry.file === agentPlaces.defaults) return [];
    return [`${key}=${entry.value} (${entry.file}, line ${entry.line}) counts no more`];
  });
}

/** What contradicts a configuration that joining has written, in words. */
export function contradictions(ini: Ini, membership: Membership): string[] {
  const section = ini.get(agentPlaces.section);
  return Object.entries(settingsOf(membership)).flatMap(([key, value]) => {
    const entry = section?.get(key);
    if (value === undefined || entry?.value === value) return [];
    return [`${key}=${entry?.value} (${entry?.file}, line ${entry?.line})`];
  });
}

/**
 * Has this host's agent belong to a controller from its next start on. Older files stay as they are.
 * @returns what counts no more, in words.
 * @throws Failure when a file counts before the one that is written.
 */
export function configure(membership: Membership): string[] {
  const load = () => loadConfiguration({ ...agentPlaces });
  const lines = replaced(load(), membership);
  mkdirSync(dirname(dropIn), { recursive: true });
  // Whole or not at all, as the agent may read it at any time.
  writeFileSync(`${dropIn}.new`, dropInText(membership), { flush: true });
  renameSync(`${dropIn}.new`, dropIn);
  const [first] = contradictions(load(), membership);
  if (first === undefined) return lines;
  throw new Failure(ErrorName.Failed, `${first} counts before what ${dropIn} says: remove that line, and join again`);
}
