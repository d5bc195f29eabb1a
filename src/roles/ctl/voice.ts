import { createConsola, LogLevels } from "consola/core";

/** What a command says on stderr. */
export interface Voice {
  /** Says what went wrong. */
  complain(line: string): void;
  /** Says what is good to know. */
  note(line: string): void;
}

const signs: Record<string, string> = { error: "\u001B[31m✖\u001B[0m ", info: "\u001B[36mℹ\u001B[0m " };

/**
 * A voice that puts a coloured sign in front of its lines for people; a program that reads them gets them plain.
 * @param write takes a text for stderr.
 */
export function voice(signed: boolean, write: (text: string) => void): Voice {
  const people = createConsola({
    // Left to itself it follows the environment's wishes for logs, and leaves out repeats.
    level: LogLevels.info,
    throttle: 0,
    reporters: [{ log: ({ type, args }) => write(`${signed ? (signs[type] ?? "") : ""}${args.join(" ")}\n`) }],
  });
  return { complain: (line) => people.error(line), note: (line) => people.info(line) };
}
