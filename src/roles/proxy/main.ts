import { asFailure, ErrorName } from "../../base/failure.ts";
import { proxyTarget } from "../../base/names.ts";
import { commonOptions, readCommandLine } from "../../base/options.ts";
import { stderr } from "../../base/output.ts";

export const options = {
  ...commonOptions,
  user: { short: "u", help: "Talk to the agent on the user bus" },
} as const;

/** How long an agent that is not there may take to come: it may be restarting. */
const agentWaitMs = 5000;

/** bluechi-proxy: what the service bluechi-proxy@NODE_UNIT runs when it starts and stops. @returns the exit status. */
export async function main(argv: string[], name: string): Promise<number> {
  const summary = "Make a unit of this node depend on a unit of another node, or undo that.";
  const line = readCommandLine({ name, synopsis: "[OPTION]... create|remove NODE_UNIT", summary, options }, argv);
  if (typeof line === "number") return line;
  const [command, instance] = line.words;
  if (command === undefined || instance === undefined) return fail("Not enough arguments specified");
  if (command !== "create" && command !== "remove") return fail(`Unsupported command ${command}`);
  if (!instance.includes("_")) return fail(`No underscore in unit name '${instance}'`);
  const target = proxyTarget(instance);
  if (!target) return fail(`No node or no unit in unit name '${instance}'`);
  const proxy = { local_service_name: `bluechi-proxy@${instance}`, ...target };
  // Help and mistakes need no bus.
  const { callAgent, isAbsence } = await import("./local-agent.ts");
  const user = line.values.user === true;
  try {
    if (command === "create") await callAgent(user, "CreateProxy", proxy, agentWaitMs);
    else await callAgent(user, "RemoveProxy", proxy, 0);
    return 0;
  } catch (thrown) {
    // Where there is no agent, there is no proxy left to be removed.
    if (command === "remove" && isAbsence(thrown)) return 0;
    const { errorName, message } = asFailure(thrown);
    if (errorName === ErrorName.ActivationFailed) {
      return fail(`Failed to activate ${proxy.local_service_name} (on ${proxy.node}): ${message}`);
    }
    return fail(`Failed to call ${command === "create" ? "CreateProxy" : "RemoveProxy"}: ${message}`);
  }
}

function fail(message: string): number {
  stderr.write(`${message}\n`);
  return 1;
}
