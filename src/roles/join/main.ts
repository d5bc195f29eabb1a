import { hostname } from "node:os";
import { agentIdentity } from "../../base/agent-places.ts";
import { describe, ErrorName, Failure } from "../../base/failure.ts";
import { commonOptions, readCommandLine } from "../../base/options.ts";
import { stderr, stdout } from "../../base/output.ts";

export const options = {
  ...commonOptions,
  request: {
    short: "r",
    argument: "HOST",
    help: "Ask the controller at HOST, or HOST:PORT, without a token; somebody has to approve it there",
  },
  name: { short: "n", argument: "NAME", help: "The name to ask for with --request; the host name if it is not given" },
} as const;

/** How long an agent that was started may take to come online, in ms. */
const onlineMs = 20_000;

/** bluechi join: makes this host a node of a cluster. @returns the exit status. */
export async function main(argv: string[], name: string): Promise<number> {
  const summary =
    "Make this host a node of a cluster, as root. 'bluechictl node invite NODE' on the controller's host prints the token; - reads it from stdin.";
  const line = readCommandLine({ name, synopsis: "TOKEN | - | --request=HOST [--name=NAME]", summary, options }, argv);
  if (typeof line === "number") return line;
  const { request, name: wanted } = line.values;
  const [token, ...more] = line.words;
  if ((token === undefined) === (request === undefined) || more.length > 0)
    return fail(`either a token or --request=HOST is needed; '${name} --help' tells more`);
  if (token !== undefined && wanted !== undefined)
    return fail("the name is in the token; --name goes with --request only");
  try {
    if (process.getuid?.() !== 0) return fail("only root may do this, as it sets up bluechi-agent: try it with sudo");
    return await join(token, request ?? "", wanted ?? hostname());
  } catch (thrown) {
    if (thrown instanceof Failure) return fail(thrown.message);
    throw thrown;
  }
}

async function join(token: string | undefined, host: string, name: string): Promise<number> {
  // Help and mistakes load none of this.
  const { checkNodeName } = await import("../../identity/subject.ts");
  if (token === undefined) checkNodeName(name);
  const { IdentityFolder } = await import("../../identity/credentials.ts");
  const { parseToken } = await import("../../identity/token.ts");
  const { defaultPort, joinByRequest, joinByToken } = await import("./join.ts");
  const { formatPlace, parsePlace } = await import("../../wire/place.ts");
  const { configure } = await import("./configuration.ts");
  const { comesOnline, restartAgent } = await import("./service.ts");
  const { formatAddress } = await import("../../wire/address.ts");
  const identity = new IdentityFolder(agentIdentity);
  const joined = await (token === undefined
    ? joinByRequest(parsePlace(host, defaultPort), name, identity, say)
    : joinByToken(parseToken(token === "-" ? await readToken() : token), identity));
  const { node, cluster, place } = joined;
  say(`This host is the node '${node}' of the cluster '${cluster}', whose controller is at ${formatPlace(place)}.`);
  for (const line of configure({ node, address: formatAddress(place) })) say(line);
  await restartAgent().catch((thrown: unknown) => {
    throw new Failure(ErrorName.Failed, `it has joined, but its agent does not run: ${describe(thrown)}`);
  });
  if (!(await comesOnline(onlineMs)))
    return fail(
      "it has joined, but is not online yet; 'systemctl status bluechi-agent' and 'journalctl -u bluechi-agent' tell why",
    );
  say("It is online.");
  return 0;
}

/** Characters of standard input that are looked at. */
const maxInput = 8192;

/** The token at the end of the first line of standard input, where no other user of the host sees it. */
async function readToken(): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of Bun.stdin.stream()) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes("\n") || text.length > maxInput) break;
  }
  const [line = ""] = text.split("\n", 1);
  return line.trim().split(/\s+/).at(-1) ?? "";
}

function say(line: string): void {
  stdout.write(`${line}\n`);
}

function fail(message: string): number {
  stderr.write(`bluechi join: ${message}\n`);
  return 1;
}
