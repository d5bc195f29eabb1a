// Walks through a page of docs on real hosts.
import { join } from "node:path";
import type { Host } from "../testbed/host.ts";
import { until } from "../testbed/until.ts";
import { keeps, parseGuide, type Step } from "./guide.ts";

type Command = Extract<Step, { kind: "command" }>;
const commandTimeoutMs = 60_000;

export interface Walk {
  /** The page of docs; the guide when it is left out. */
  readonly page?: string;
  /** What is no command: what has to be done where a paragraph says that it happens. */
  readonly events?: Readonly<Record<string, () => Promise<void>>>;
}

/** Runs every command of a page, tells about each, and throws at the first promise that is not kept. */
export async function walk(
  hosts: readonly Host[],
  tell: (text: string) => void,
  { page = "guide.md", events = {} }: Walk = {},
): Promise<void> {
  const text = await Bun.file(join(import.meta.dir, "../../docs", page)).text();
  const awaited = new Set(Object.keys(events));
  for (const step of parseGuide(text)) {
    if (step.kind === "prose") {
      tell(`\n${step.text}\n\n`);
      for (const paragraph of step.text.split("\n\n")) {
        if (awaited.delete(paragraph)) await events[paragraph]?.();
      }
      continue;
    }
    const host = hosts.find(({ name }) => name === step.host);
    if (host === undefined) throw new Error(`the host ${step.host} of ${page} is not there`);
    tell(`${step.host}# ${step.script}\n`);
    tell(
      step.eventually
        ? await until("what the page promises", () => perform(host, step), commandTimeoutMs)
        : await perform(host, step),
    );
  }
  if (awaited.size > 0) throw new Error(`${page} does not say: ${[...awaited].join(" ")}`);
}

async function perform(host: Host, { script, promised, fails }: Command): Promise<string> {
  const { status, stdout } = await host.run(["bash", "-c", `exec 2>&1\n${script}`], { timeoutMs: commandTimeoutMs });
  if ((status !== 0) === fails && keeps(promised, stdout)) return stdout;
  const said = `exit status ${status}, and said:\n${stdout}`;
  throw new Error(`${host.name}# ${script}\nThe page promises:\n${promised.join("\n")}\nThe host ended with ${said}`);
}
