import { Failure } from "../../base/failure.ts";
import { isTerminal } from "../../base/libc.ts";
import { type CommandLine, type Options, parseOptions, UsageError, versionLine } from "../../base/options.ts";
import { stderr, stdout } from "../../base/output.ts";
import { commands, globals, knownOptions } from "./commands.ts";
import { colourChoices, paintState, type Terminal, wantsColour } from "./context.ts";
import { checkUse, commandHelp, type Found, findCommand, generalHelp, groupOf } from "./declaration.ts";
import type { Session } from "./session.ts";
import { explain, Trouble } from "./trouble.ts";
import { type Voice, voice } from "./voice.ts";

/** bluechictl. @returns the exit status. */
export async function main(argv: string[], program: string): Promise<number> {
  const [hidden, ...typed] = argv;
  if (hidden === "complete") return (await import("./completion.ts")).completeLine(typed);
  let line: CommandLine<typeof globals>;
  try {
    line = parseOptions(program, argv, knownOptions());
  } catch (thrown) {
    if (thrown instanceof UsageError) return misuse(program, thrown.message, findCommand(commands, argv));
    throw thrown;
  }
  const { values } = line;
  const [word] = line.words;
  const found = findCommand(commands, line.words);
  if (word !== undefined && !found) return misuseOfGroup(program, line) ?? misuse(program, `Method ${word} not found`);
  if (values.version) return answer(versionLine(program));
  if (values.help) {
    return answer(
      found ? commandHelp(program, found.name, found.command, globals) : generalHelp(program, commands, globals),
    );
  }
  if (!found) return misuse(program, "No command given");
  return use(program, found, { words: [...found.words], values });
}

/** Answers words that name a group, but none of its commands. @returns undefined when they name no group. */
function misuseOfGroup(program: string, { words, values }: CommandLine<typeof globals>): number | undefined {
  const [group = "", word] = words;
  const members = groupOf(commands, group);
  const names = Object.keys(members);
  if (names.length === 0) return undefined;
  const full = Object.fromEntries(Object.entries(members).map(([name, command]) => [`${group} ${name}`, command]));
  const help = generalHelp(program, full, globals);
  if (values.help && word === undefined) return answer(help);
  stderr.write(
    word === undefined
      ? `Method ${group} needs one of ${names.join(", ")}\n`
      : `Method ${group} ${word} not found, only ${names.join(", ")}\n`,
  );
  answer(help);
  return 1;
}

/** A terminal that does not know its size tells zeros. */
const terminal: Terminal = {
  get columns() {
    return process.stdout.columns || Number.POSITIVE_INFINITY;
  },
  get rows() {
    return process.stdout.rows || Number.POSITIVE_INFINITY;
  },
  draw: (text) => stdout.draw(text),
};

function answer(text: string): number {
  stdout.write(`${text}\n`);
  return 0;
}

/** Answers what cannot be read with help, that of the command if it is known which one was meant. */
function misuse(program: string, message: string, found?: Found): number {
  stderr.write(`${message}\n`);
  answer(found ? commandHelp(program, found.name, found.command, globals) : generalHelp(program, commands, globals));
  return 1;
}

async function use(program: string, found: Found, line: CommandLine<Options>): Promise<number> {
  let opened: Promise<Session> | undefined;
  const open = () => {
    const interactive = !line.values["no-ask-password"] && (isTerminal(0) || stderr.isTerminal);
    opened ??= import("./session.ts").then(({ Session }) => Session.open({ interactive }));
    return opened;
  };
  const choice = String(line.values.color ?? "auto");
  const { env } = process;
  const said = voice(stderr.isTerminal && wantsColour(choice, true, env), (text) => stderr.write(text));
  try {
    checkUse(program, found, line, globals);
    if (!colourChoices.includes(choice)) throw new Trouble([`Value '${choice}' of option --color is invalid`]);
    return await found.command.run(line.words, line.values, {
      ...said,
      program,
      compatible: env.BLUECHI_COMPAT === "1",
      terminal: stdout.isTerminal ? terminal : undefined,
      paint: wantsColour(choice, stdout.isTerminal, env) ? paintState : (cell) => cell,
      print: answer,
      open,
    });
  } catch (thrown) {
    return report(thrown, said);
  } finally {
    // A session that could not be opened has been reported, and there is nothing to close.
    await opened?.then((session) => session.close()).catch(() => {});
  }
}

/** Tells what ended a command. @returns the exit status. */
function report(thrown: unknown, said: Voice): number {
  if (thrown instanceof Failure) return report(new Trouble([`Failed to issue method call: ${explain(thrown)}`]), said);
  if (!(thrown instanceof Trouble)) throw thrown;
  const lines = [...thrown.lines];
  const unended = thrown.unended && !stderr.isTerminal ? lines.pop() : undefined;
  for (const line of lines) said.complain(line);
  if (unended !== undefined) stderr.write(unended);
  return thrown.status;
}
