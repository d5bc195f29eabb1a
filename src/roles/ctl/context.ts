import type { Session } from "./session.ts";
import type { Voice } from "./voice.ts";

/** What a command gets to do its work with. */
export interface Context extends Voice {
  /** The name that the program was called by. */
  readonly program: string;
  /** Exit statuses and silences of the original: BLUECHI_COMPAT=1. */
  readonly compatible: boolean;
  /** The terminal that stdout is: then tables are fitted to it, else they are what programs expect. */
  readonly terminal: Terminal | undefined;
  /** Colours a word that names a state, when colours are wanted. */
  paint(word: string): string;
  /** Writes a line to stdout. */
  print(line: string): void;
  /** Connects to the controller's bus; the bus is loaded no earlier than that. */
  open(): Promise<Session>;
}

/** The size that a terminal has at the moment. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  /** Writes a text with orders to the terminal, which are left out of all that is printed. */
  draw(text: string): void;
}

const green = 32;
const yellow = 33;
const red = 31;

const colours: Record<string, number> = {
  online: green,
  active: green,
  running: green,
  enabled: green,
  "enabled-runtime": green,
  activating: yellow,
  deactivating: yellow,
  reloading: yellow,
  frozen: yellow,
  freezing: yellow,
  thawing: yellow,
  offline: red,
  failed: red,
  error: red,
  "not-found": red,
  "bad-setting": red,
  bad: red,
};

/** A state's word in its colour; any other word, and the blanks around it, stay as they are. */
export function paintState(cell: string): string {
  const word = cell.trim();
  const colour = Object.hasOwn(colours, word) ? colours[word] : undefined;
  return colour === undefined ? cell : cell.replace(word, `\u001B[${colour}m${word}\u001B[0m`);
}

export const colourChoices: readonly string[] = ["auto", "always", "never"];

/**
 * Whether to colour what goes to a stream (https://no-color.org).
 * @param choice the value of `--color`.
 */
export function wantsColour(choice: string, terminal: boolean, environment: NodeJS.ProcessEnv): boolean {
  if (choice !== "auto") return choice === "always";
  return terminal && !environment.NO_COLOR && environment.TERM !== "dumb";
}
