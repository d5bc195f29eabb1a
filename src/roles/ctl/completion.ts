import { basename } from "node:path";
import { nodeCandidates } from "../../api/node-candidates.ts";
import { type Candidate, complete, inTime, optionCandidates, type Spot } from "../../base/completion.ts";
import { levelNames } from "../../base/log.ts";
import { metricsActions } from "./commands/metrics.ts";
import { killWhom } from "./commands/units.ts";
import { commands, globals, knownOptions } from "./commands.ts";
import { colourChoices } from "./context.ts";
import { findCommand, groupOf, optionsOf, placesOf } from "./declaration.ts";
import { Session } from "./session.ts";

/** What there is to know about the word being typed. */
interface Asked {
  readonly command: string;
  /** Those behind the command. */
  readonly words: readonly string[];
  readonly typed: string;
  readonly session: () => Promise<Session>;
}

type Source = (asked: Asked) => Promise<readonly Candidate[]>;

/** What words may be, by the names that arguments and options have in the commands' declarations. */
export const sources: Record<string, Source> = {
  node: ({ session }) => inTime(session().then(({ controller }) => nodeCandidates(controller))),
  unit: units,
  units,
  target: async (asked) => (await units(asked)).filter(({ word }) => word.endsWith(".target")),
  level: fixed(levelNames, "Log level"),
  action: fixed(metricsActions, "Metrics"),
  color: fixed(colourChoices, "Colour"),
  "kill-whom": fixed(killWhom, "Processes"),
  cluster: fixed([], "Cluster"),
  ttl: fixed(["15m", "1h", "1d"], "How long it holds"),
  asking: (asked) => requests(asked, ([word, , address]) => ({ word, help: `Asks from ${address}` })),
  key: (asked) =>
    requests(asked, ([node, word, address]) =>
      node === asked.words[0] ? { word, help: `Asks from ${address}` } : undefined,
    ),
  member: members,
};

function fixed(words: readonly string[], help: string): Source {
  return async () => words.map((word) => ({ word, help }));
}

/** Which loaded units a command is for, by their active state, where it is not for all of them and for unit files, too. */
const wanted: Record<string, (active: string) => boolean> = {
  stop: isRunning,
  reload: isRunning,
  kill: isRunning,
  freeze: isRunning,
  thaw: isRunning,
  "reset-failed": (active) => active === "failed",
};
const onlyForFiles = ["enable", "disable", "is-enabled"];

function isRunning(active: string): boolean {
  return active !== "inactive" && active !== "failed";
}

/** The units of the node that is the first word. */
async function units({ command, words, typed, session }: Asked): Promise<readonly Candidate[]> {
  const node = session().then((opened) => opened.node(words[0] ?? ""));
  const wants = wanted[command];
  const loaded = async () => {
    const { units: rows } = await (await node).call("ListUnits", {});
    const chosen = rows.filter(([, , , active]) => wants?.(active) ?? true);
    return chosen.map(([word, description]) => ({ word, help: description }));
  };
  const files = async () => {
    const { unitfiles } = await (await node).call("ListUnitFiles", {});
    // A template is no unit.
    const names = unitfiles.filter(([path]) => !path.includes("@."));
    return names.map(([path, state]) => ({ word: basename(path), help: `Unit file, ${state}` }));
  };
  if (onlyForFiles.includes(command)) return inTime(files());
  // systemd reads all files anew each time, and answers nobody meanwhile: that is for those who know what they look for.
  const answers = await Promise.all([inTime(loaded()), wants || typed === "" ? [] : inTime(files())]);
  return answers.flat();
}

type PendingRow = readonly [node: string, key: string, address: string, since: bigint];

/** What is made of the hosts that wait to be approved. */
async function requests(
  { session }: Asked,
  candidate: (row: PendingRow) => Candidate | undefined,
): Promise<readonly Candidate[]> {
  const asked = session().then((opened) => opened.cluster().call("ListPending", {}));
  return inTime(asked.then(({ requests }) => requests.flatMap((row) => candidate(row) ?? [])));
}

/** The nodes that have certificates to lose, or an invitation. */
async function members({ session }: Asked): Promise<readonly Candidate[]> {
  const cluster = session().then((opened) => opened.cluster());
  const nodes = cluster.then((it) => it.call("ListNodes", {})).then(({ nodes }) => nodes);
  const valid = nodes.then((rows) => rows.filter(([, state]) => state !== "revoked"));
  return inTime(valid.then((rows) => rows.map(([word, state]) => ({ word, help: `Its certificate is ${state}` }))));
}

/** Answers a shell that completes a command line of bluechictl. @returns the exit status. */
export function completeLine(argv: readonly string[]): Promise<number> {
  let opened: Promise<Session> | undefined;
  const session = () => {
    opened ??= Session.open();
    return opened;
  };
  return complete(argv, knownOptions(), (spot, typed) => candidates(spot, typed, session));
}

async function candidates(spot: Spot, typed: string, session: Asked["session"]): Promise<readonly Candidate[]> {
  const found = findCommand(commands, spot.words);
  const { name = spot.words[0] ?? "", words = [], command } = found ?? {};
  const asked = { command: name, words, typed, session };
  switch (spot.kind) {
    case "option":
      return optionCandidates({ ...(command && optionsOf(command.args)), ...globals });
    case "argument":
      return prefixed(spot.stays, (await sources[spot.option]?.(asked)) ?? []);
    case "word": {
      if (name === "") return firstWords();
      if (!command) return spot.words.length === 1 ? described(groupOf(commands, name)) : [];
      const places = placesOf(command.args);
      const last = places.at(-1);
      const place = places[words.length] ?? (last?.label.endsWith("...") ? last : undefined);
      const next = places[words.length + 1];
      // An optional word in front of one that is required may be that one.
      const possible = [place, place?.required === false && next?.required ? next : undefined];
      const answers = await Promise.all(possible.map((each) => sources[each?.name ?? ""]?.(asked) ?? []));
      // The last of several units with commas between them is the one being typed.
      const stays = place?.label.includes(",") ? typed.slice(0, typed.lastIndexOf(",") + 1) : "";
      return prefixed(stays, answers.flat());
    }
  }
}

function described(some: typeof commands): Candidate[] {
  return Object.entries(some).map(([word, { description }]) => ({ word, help: description }));
}

/** Commands of one word, and groups. */
function firstWords(): Candidate[] {
  return described(commands).map(({ word, help }) => {
    const [group = "", second] = word.split(" ");
    return second === undefined
      ? { word, help }
      : { word: group, help: Object.keys(groupOf(commands, group)).join(", ") };
  });
}

function prefixed(stays: string, found: readonly Candidate[]): Candidate[] {
  return found.map(({ word, help }) => ({ word: stays + word, help }));
}
