// What bluechictl prints, to the byte, as far as several tests know it.
import { nodePath } from "../../src/api/names.ts";

export const call = "Failed to issue method call";
export const offline = "Node is offline";
/** Of a node that nobody knows. */
export const unknown = `Unknown object '${nodePath("no")}'.`;

const header = "NODE                          | STATE     | IP                      | LAST SEEN                   \n";
/** The first lines of the table of nodes. */
export const nodesHead = `${header}${"=".repeat(90)}\n`;

export function nodeRow(name: string, state: string, ip: string, seen: string): string {
  return `${name.padEnd(30)}| ${state.padEnd(10)}| ${ip.padEnd(24)}| ${seen.padEnd(28)}\n`;
}

export const onlineRow = (host: { name: string; address: string }) =>
  nodeRow(host.name, "online", `::ffff:${host.address}`, "now");

/** The first lines of the table of units, when the longest name has 9 to 16 characters. */
export const unitsHead = `UNIT\t\t| LOADED\t| ACTIVE\t| SUBSTATE\t| FREEZERSTATE\t| ENABLED\t|\n${"-".repeat(96)}\n`;

export const denied = (source: string, target: string) =>
  `Proxy service failed to start: Proxy on node not allowed: '${source}' has no AllowDependenciesOn=${target}`;
