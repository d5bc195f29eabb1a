// Walks through a page of docs on real hosts.
import { join } from "node:path";
import type { Host } from "../testbed/host.ts";
import { until } from "../testbed/until.ts";
import { completed, keeps, parseGuide, type Step, sectionOf, withSection } from "./guide.ts";

type Command = Extract<Step, { kind: "command" }>;
const commandTimeoutMs = 60_000;

export interface Walk {
  /** The page of docs; the guide when it is left out. */
  readonly page?: string;
  /** The heading of a section that is left out, or is another page's instead. */
  readonly section?: { readonly heading: string; readonly of?: string };
  /** What is no command: what has to be done where a paragraph says that it happens. */
  readonly events?: Readonly<Record<string, () => Promise<void>>>;
}

/** The guide on machines that join a cluster first. */
export const secure = { section: { heading: "The machines", of: "joining.md" } } as const satisfies Walk;

/** Runs every command of a page, tells about each, and throws at the first promise that is not kept. */
export async function walk(
  hosts: readonly Host[],
  tell: (text: string) => void,
  { page = "guide.md", section, events = {} }: Walk = {},
): Promise<void> {
  const read = (name: string) => Bun.file(join(import.meta.dir, "../../docs", name)).text();
  const own = await read(page);
  const other = section?.of === undefined ? "" : sectionOf(await read(section.of), section.heading);
  const text = section ? withSection(own, section.heading, other) : own;
  let printed = "";
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
    const command = { ...step, script: completed(step.script, printed) };
    tell(`${step.host}# ${command.script}\n`);
    printed = step.eventually
      ? await until("what the page promises", () => perform(host, command), commandTimeoutMs)
      : await perform(host, command);
    tell(printed);
  }
  if (awaited.size > 0) throw new Error(`${page} does not say: ${[...awaited].join(" ")}`);
}

async function perform(host: Host, { script, promised, fails }: Command): Promise<string> {
  const { status, stdout } = await host.run(["bash", "-c", `exec 2>&1\n${script}`], { timeoutMs: commandTimeoutMs });
  if ((status !== 0) === fails && keeps(promised, stdout)) return stdout;
  const said = `exit status ${status}, and said:\n${stdout}`;
  throw new Error(`${host.name}# ${script}\nThe page promises:\n${promised.join("\n")}\nThe host ended with ${said}`);
}
