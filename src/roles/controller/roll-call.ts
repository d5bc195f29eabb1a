import type { Clock } from "../../base/clock.ts";
import { ErrorName, Failure } from "../../base/failure.ts";
import type { Node } from "./node.ts";

/** How often a node that is waited for is looked at, in ms, and how many looks in a row may find that it sent nothing. */
const lookMs = 750;
const patientLooks = 2;
/** How many looks there are at most: programs wait 25 s for the whole answer. */
const maxLooks = 26;

/**
 * Asks all nodes that are online, and waits for each until it falls silent: one that hangs does not keep the others'
 * answers back, and one whose systemd takes its time, or whose line is thin, is pinged and gets that time, within reason.
 * A node that is lost meanwhile is as good as silent.
 * @throws Failure with which a node refuses.
 */
export async function rollCall<T>(
  nodes: Iterable<Node>,
  ask: (node: Node) => Promise<T>,
  clock: Clock,
): Promise<{ readonly answers: ReadonlyMap<string, T>; readonly silent: readonly string[] }> {
  const asked = [...nodes].filter((node) => node.online);
  const told = await Promise.all(asked.map((node) => unlessSilent(node, ask(node), clock)));
  const answers = new Map<string, T>();
  const silent: string[] = [];
  for (const [index, { name }] of asked.entries()) {
    const answer = told[index];
    if (answer === undefined) silent.push(name);
    else answers.set(name, answer);
  }
  return { answers, silent };
}

/** @returns undefined when the node falls silent before the answer. */
function unlessSilent<T>(node: Node, answer: Promise<T>, clock: Clock): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let heardMs = node.heardMs;
    let looks = 0;
    let inVain = 0;
    const look = () => {
      inVain = node.heardMs === heardMs ? inVain + 1 : 0;
      heardMs = node.heardMs;
      if (inVain === patientLooks || ++looks === maxLooks) return resolve(undefined);
      timer = clock.after(lookMs, look);
      // Whatever it answers shows that it lives.
      node.call("ping", {}).catch(() => {});
    };
    let timer = clock.after(lookMs, look);
    const settled = answer.catch((thrown) => {
      if (!(thrown instanceof Failure && thrown.errorName === ErrorName.NoReply)) throw thrown;
      return undefined;
    });
    settled.then(resolve, reject).finally(() => timer.cancel());
  });
}
