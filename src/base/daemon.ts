import { describe } from "./failure.ts";
import { keepHeapSmall } from "./heap.ts";
import { ConfigurationError } from "./ini.ts";
import { type Options, type OptionValues, optionsHelp, parseOptions, UsageError } from "./options.ts";
import { packageVersion } from "./version.ts";

const commonOptions = {
  help: { short: "h", help: "Show this help" },
  version: { short: "v", help: "Show the version" },
} as const satisfies Options;

/** A daemon as the command line sees it. */
export interface Daemon<O extends Options> {
  readonly summary: string;
  readonly options: O;
  /** @param stopped resolves with the name of the signal that asks for the end. @returns the exit status. */
  run(values: OptionValues<O>, stopped: Promise<string>): Promise<number>;
}

/** Runs a daemon: help and version are answered, what keeps it from running becomes one line and exit status 1. */
export async function runDaemon<const O extends Options>(
  daemon: Daemon<O>,
  argv: readonly string[],
  name: string,
): Promise<number> {
  const stopped = Promise.withResolvers<string>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stopped.resolve(signal));
  const options = { ...daemon.options, ...commonOptions };
  const usage = `Usage: ${name} [OPTION]...\n\n${daemon.summary}\n\nOptions:\n${optionsHelp(options)}\n`;
  try {
    const { values, words } = parseOptions(name, argv, options);
    if (values.help) process.stdout.write(usage);
    else if (values.version) process.stdout.write(`${name} version ${packageVersion}\n`);
    else if (words.length > 0) throw new UsageError(`${name}: unexpected argument '${words[0]}'`);
    else {
      keepHeapSmall();
      return await daemon.run(values as OptionValues<O>, stopped.promise);
    }
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`${error.message}\nUnsupported option ?\n`);
      process.stdout.write(usage);
    } else {
      const text = describe(error);
      process.stderr.write(error instanceof ConfigurationError ? `${text}\n` : `${name}: ${text}\n`);
    }
    return 1;
  }
}
