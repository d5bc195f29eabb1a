import { controllerInterface } from "../../api/controller.ts";
import { controllerName, rootPath } from "../../api/names.ts";
import { nodeCandidates } from "../../api/node-candidates.ts";
import { type Candidate, complete, inTime, optionCandidates, type Spot } from "../../base/completion.ts";
import { systemBusAddress } from "../../bus/address.ts";
import { client } from "../../bus/client.ts";
import { BusConnection } from "../../bus/connection.ts";
import { commands, options } from "./commands.ts";

/** Answers a shell that completes a command line of bluechi-is-online. @returns the exit status. */
export function completeLine(argv: readonly string[]): Promise<number> {
  return complete(argv, options, candidates);
}

async function candidates({ kind, words }: Spot): Promise<readonly Candidate[]> {
  if (kind === "option") return optionCandidates(options);
  if (kind === "argument") return [];
  const [command] = words;
  if (command === undefined) return Object.entries(commands).map(([word, { help }]) => ({ word, help }));
  return command === "node" && words.length === 1 ? inTime(nodes()) : [];
}

async function nodes(): Promise<Candidate[]> {
  const connection = await BusConnection.open(systemBusAddress());
  return nodeCandidates(client(connection, controllerName, rootPath, controllerInterface));
}
