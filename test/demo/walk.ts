// Walks through the guide on real hosts.
import { join } from "node:path";
import type { Host } from "../testbed/host.ts";
import { until } from "../testbed/until.ts";
import { keeps, parseGuide, type Step } from "./guide.ts";

type Command = Extract<Step, { kind: "command" }>;
const commandTimeoutMs = 60_000;

/** Runs every command of the guide, tells about each, and throws at the first promise that is not kept. */
export async function walk(hosts: readonly Host[], tell: (text: string) => void): Promise<void> {
  const guide = await Bun.file(join(import.meta.dir, "../../docs/guide.md")).text();
  for (const step of parseGuide(guide)) {
    if (step.kind === "prose") {
      tell(`\n${step.text}\n\n`);
      continue;
    }
    const host = hosts.find(({ name }) => name === step.host);
    if (host === undefined) throw new Error(`the guide's host ${step.host} is not there`);
    tell(`${step.host}# ${step.script}\n`);
    tell(
      step.eventually ? await until("what the guide promises", () => perform(host, step)) : await perform(host, step),
    );
  }
}

async function perform(host: Host, { script, promised }: Command): Promise<string> {
  const { status, stdout } = await host.run(["bash", "-c", `exec 2>&1\n${script}`], { timeoutMs: commandTimeoutMs });
  if (status === 0 && keeps(promised, stdout)) return stdout;
  const said = `exit status ${status}, and said:\n${stdout}`;
  throw new Error(`${host.name}# ${script}\nThe guide promises:\n${promised.join("\n")}\nThe host ended with ${said}`);
}
