import type { Options } from "./options.ts";
import { stdout } from "./output.ts";

/** One thing that the word being typed may become, and what that is. */
export interface Candidate {
  readonly word: string;
  readonly help: string;
}

/** Where on a command line the word being typed stands, and the words before it that belong to no option. */
export type Spot =
  | { readonly kind: "option" | "word"; readonly words: readonly string[] }
  /** It is the argument of an option, behind the part of it that stays. */
  | { readonly kind: "argument"; readonly words: readonly string[]; readonly option: string; readonly stays: string };

/** Someone is typing: what is not known after this time is left out, unless the environment asks for more patience. */
const patienceMs = 200;

/**
 * Prints a line for each candidate that begins as the last word does: the word, a tab, and what it is. Shells call this by
 * the hidden command `complete`, with the words of the line up to the cursor. What goes wrong leaves candidates out, and
 * is not told: there is a half-typed line on the screen.
 * @returns the exit status.
 */
export async function complete(
  argv: readonly string[],
  options: Options,
  candidates: (spot: Spot, typed: string) => Promise<readonly Candidate[]>,
): Promise<number> {
  const typed = argv.at(-1) ?? "";
  const found = await candidates(spotOf(argv.slice(0, -1), typed, options), typed);
  const told = new Set<string>();
  for (const { word, help } of found) {
    if (!word.startsWith(typed) || told.has(word)) continue;
    told.add(word);
    stdout.write(`${word}\t${help.replaceAll(/\s+/g, " ")}\n`);
  }
  return 0;
}

/** Sorts the words before the one being typed as parseOptions() does, but takes unknown options for flags. */
export function spotOf(before: readonly string[], typed: string, options: Options): Spot {
  const words: string[] = [];
  let ended = false;
  let option: string | undefined;
  for (const word of before) {
    if (option !== undefined) option = undefined;
    else if (ended || word === "-" || !word.startsWith("-")) words.push(word);
    else if (word === "--") ended = true;
    else option = awaiting(word, options);
  }
  if (option !== undefined) return { kind: "argument", words, option, stays: "" };
  if (ended || !typed.startsWith("-")) return { kind: "word", words };
  const [stays, name] = /^--([^=]+)=/.exec(typed) ?? [];
  return stays && name ? { kind: "argument", words, option: name, stays } : { kind: "option", words };
}

/** The option whose argument is the next word. */
function awaiting(word: string, options: Options): string | undefined {
  const found = Object.entries(options).find(([name, { short }]) => word === `--${name}` || word === `-${short}`);
  return found?.[1].argument === undefined ? undefined : found[0];
}

/** Options as candidates; one that takes an argument ends in `=`, and the shell adds no blank. */
export function optionCandidates(options: Options): Candidate[] {
  return Object.entries(options).map(([name, { argument, help }]) => ({
    word: argument === undefined ? `--${name}` : `--${name}=`,
    help,
  }));
}

/** What was asked of others, or nothing if they fail or take too long. */
export function inTime(asked: Promise<readonly Candidate[]>): Promise<readonly Candidate[]> {
  const patience = Number(process.env.BLUECHI_COMPLETION_MS) || patienceMs;
  const late = new Promise<readonly Candidate[]>((resolve) => setTimeout(resolve, patience, []));
  return Promise.race([asked.catch(() => []), late]);
}
