import type { Candidate } from "../base/completion.ts";
import type { Client } from "../bus/client.ts";
import type { controllerInterface } from "./controller.ts";

/** The nodes that a controller knows, as candidates for a word that is being typed. */
export async function nodeCandidates(controller: Client<typeof controllerInterface>): Promise<Candidate[]> {
  const { nodes } = await controller.call("ListNodes", {});
  return nodes.map(([word, , status]) => ({ word, help: `Node, ${status}` }));
}
