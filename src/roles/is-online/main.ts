import { describe } from "../../base/failure.ts";
import { type CommandLine, helpRows, readCommandLine, usage, versionLine } from "../../base/options.ts";
import { stderr, stdout } from "../../base/output.ts";
import { commands, options } from "./commands.ts";
import type { Target } from "./status-watch.ts";

function programOf(name: string) {
  const rows = Object.entries(commands).map(
    ([word, { argument, help }]) => [argument === undefined ? word : `${word} ${argument}`, help] as const,
  );
  const others = [
    ["help", "Show this help"],
    ["version", "Show the version"],
  ] as const;
  const summary = `Exit with 0 when it is online, else with 1.\n\nCommands:\n${helpRows([...rows, ...others])}`;
  return { name, synopsis: "COMMAND [OPTION]...", summary, options };
}

/** bluechi-is-online. @returns the exit status. */
export async function main(argv: string[], name: string): Promise<number> {
  const [hidden, ...typed] = argv;
  if (hidden === "complete") return (await import("./completion.ts")).completeLine(typed);
  const program = programOf(name);
  const line = readCommandLine(program, argv);
  if (typeof line === "number") return line;
  const [word, ...words] = line.words;
  if (word === "help") return answer(usage(program));
  if (word === "version") return answer(versionLine(name));
  const command = word !== undefined && Object.hasOwn(commands, word) ? commands[word] : undefined;
  if (!command) {
    fail(word === undefined ? "No command given" : `Method ${word} not found`);
    answer(usage(program));
    return 1;
  }
  const expected = command.argument === undefined ? 0 : 1;
  if (words.length < expected) return fail(`Too few arguments for method ${word}`);
  if (words.length > expected) return fail(`Too many arguments for method ${word}`);
  return check(command.target(words[0] ?? ""), line.values);
}

async function check(target: Target, values: CommandLine<typeof options>["values"]): Promise<number> {
  const times = { wait: 0, "switch-timeout": 0 };
  for (const option of ["wait", "switch-timeout"] as const) {
    const text = values[option] ?? "0";
    // A timer takes no more than that.
    if (!/^\d+$/.test(text) || Number(text) > 0x7fff_ffff)
      return fail(`Value '${text}' of option --${option} is invalid`);
    times[option] = Number(text);
  }
  try {
    const { StatusWatch } = await import("./status-watch.ts");
    const watch = await StatusWatch.open(target);
    try {
      const online = await watch.comesOnline(times.wait);
      if (online && !values.monitor) return 0;
      if (online) await watch.goesOffline(times["switch-timeout"]);
      return fail(`${target.daemon} is offline`);
    } finally {
      watch.close();
    }
  } catch (thrown) {
    return fail(describe(thrown));
  }
}

function answer(text: string): number {
  stdout.write(`${text}\n`);
  return 0;
}

function fail(message: string): number {
  stderr.write(`${message}\n`);
  return 1;
}
