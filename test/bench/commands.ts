// How long a command takes from its start to its end, against a compiled program that prints one line.
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compile } from "../../scripts/compile.ts";
import type { Host } from "../testbed/host.ts";
import type { Part } from "./report.ts";
import { Sample } from "./sample.ts";
import { target, type World } from "./world.ts";

const rounds = 60;
const maxHelpFactor = 3;
const place = "/usr/local/bin/bench-one-line";

const commands = {
  "one line": place,
  "bluechictl --help": "bluechictl --help",
  "bluechictl status": "bluechictl status",
  "bluechictl status node": "bluechictl status node",
  "bluechictl list-units node": "bluechictl list-units node",
  "bluechictl start": `bluechictl start node ${target}`,
  "systemctl start": `systemctl start ${target}`,
};

export const commandTimes: Part<World> = {
  name: "commands",
  async run(world) {
    await install(world.main);
    const measured = await inShell(world.main, Object.values(commands));
    const samples = Object.keys(commands).map((name, index) => [name, measured[index] as Sample] as const);
    const oneLine = (measured[0] as Sample).median;
    const help = (measured[1] as Sample).median;
    return {
      title: "Commands, ms",
      columns: ["median", "p99", "times one line"],
      rows: samples.map(([name, { median, p99 }]) => [name, median, p99, median / oneLine]),
      checks: [{ what: "bluechictl --help", value: help / oneLine, below: maxHelpFactor, unit: "times one line" }],
    };
  },
};

async function install(host: Host): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "bluechi-bench-"));
  const program = join(folder, "one-line");
  await compile(join(import.meta.dir, "one-line.ts"), program);
  await copyFile(program, join(host.root, place));
  await rm(folder, { recursive: true });
  await host.write(`/etc/systemd/system/${target}`, "[Unit]\n");
  await host.sh("systemctl daemon-reload");
}

/** A shell on the host takes the times, so that the way into the host does not count. */
async function inShell(host: Host, argvs: readonly string[]): Promise<Sample[]> {
  const steps = argvs.map(
    (argv) => `s=$EPOCHREALTIME; ${argv} >/dev/null || exit; e=$EPOCHREALTIME; echo $((\${e/./}-\${s/./}))`,
  );
  const warmUp = 3;
  const script = `for ((i = 0; i < ${warmUp + rounds}; i++)); do\n${steps.join("\n")}\ndone`;
  const lines = (await host.sh(script, { timeoutMs: 120_000 }))
    .trim()
    .split("\n")
    .map((us) => Number(us) / 1000);
  const counted = lines.slice(warmUp * argvs.length);
  return argvs.map((_, index) => new Sample(counted.filter((_ms, line) => line % argvs.length === index)));
}
