// How long a command takes from its start to its end, against a compiled program that prints one line, systemctl, and
// systemctl on another host by ssh.
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compile } from "../../scripts/compile.ts";
import type { Host } from "../testbed/host.ts";
import type { Part } from "./report.ts";
import { type Sample, scaled } from "./sample.ts";
import { inShellInTurn } from "./shell.ts";
import { sshFrom } from "./ssh.ts";
import { target, type World } from "./world.ts";

const rounds = 60;
/** By ssh a command takes so long that few have to do. */
const sshRounds = 10;
const maxHelpFactor = 3;
const maxMs = 25;
/** The share of all runs that other work on the machine has hardly disturbed. */
const undisturbed = 0.1;
const place = "/usr/local/bin/bench-one-line";

const commands = {
  "one line": place,
  "bluechictl --help": "bluechictl --help",
  "bluechictl status": "bluechictl status",
  "bluechictl status node": "bluechictl status node",
  "bluechictl list-units node": "bluechictl list-units node",
  "bluechictl start": `bluechictl start node ${target}`,
  "systemctl start": `systemctl start ${target}`,
  "systemctl list-units": "systemctl list-units --all",
};

export const commandTimes: Part<World> = {
  name: "commands",
  async run(world) {
    await install(world.main);
    const ssh = await sshFrom(world.main, world.node);
    const byHand = {
      "ssh node systemctl start": `${ssh} systemctl start ${target}`,
      "ssh node systemctl list-units": `${ssh} systemctl list-units --all`,
    };
    const measured = [
      ...(await inShellInTurn(world.main, Object.values(commands), scaled(rounds))),
      ...(await inShellInTurn(world.main, Object.values(byHand), scaled(sshRounds))),
    ];
    const samples = Object.keys({ ...commands, ...byHand }).map(
      (name, index) => [name, measured[index] as Sample] as const,
    );
    const oneLine = (measured[0] as Sample).median;
    const ours = samples.filter(([name]) => name.startsWith("bluechictl"));
    const quickest = (measured[0] as Sample).at(undisturbed);
    const ratios = Object.fromEntries(ours.map(([name, sample]) => [name, sample.at(undisturbed) / quickest]));
    const help = (measured[1] as Sample).median / oneLine;
    return [
      {
        title: "Commands, ms",
        columns: ["median", "p99", "times one line"],
        rows: samples.map(([name, { median, p99 }]) => [name, median, p99, median / oneLine]),
        checks: [
          { what: "bluechictl --help", value: help, below: maxHelpFactor, unit: "times one line" },
          ...ours.map(([what, { median: value }]) => ({ what, value, below: maxMs, unit: "ms" })),
        ],
        ratios,
      },
    ];
  },
};

async function install(host: Host): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "bluechi-bench-"));
  const program = join(folder, "one-line");
  await compile(join(import.meta.dir, "one-line.ts"), program);
  await copyFile(program, join(host.root, place));
  await rm(folder, { recursive: true });
}
