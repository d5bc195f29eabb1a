// Times of commands, taken by a shell on their host, so that the way into the host does not count.
import type { Host } from "../testbed/host.ts";
import { Sample } from "./sample.ts";

/** Runs commands that have to succeed, one after the other. @returns how long each took, in milliseconds. */
export async function inShell(host: Host, commands: readonly string[]): Promise<number[]> {
  const steps = commands.map(
    (command) => `s=$EPOCHREALTIME; ${command} >/dev/null || exit; e=$EPOCHREALTIME; echo $((\${e/./}-\${s/./}))`,
  );
  const lines = await host.sh(steps.join("\n"), { timeoutMs: 120_000 });
  return lines
    .trim()
    .split("\n")
    .map((us) => Number(us) / 1000);
}

/** Runs commands in turn, so many rounds after some to warm up. */
export async function inShellInTurn(host: Host, commands: readonly string[], rounds: number): Promise<Sample[]> {
  const warmUp = 3;
  const all = await inShell(host, Array.from({ length: warmUp + rounds }, () => commands).flat());
  const counted = all.slice(warmUp * commands.length);
  return commands.map((_, index) => new Sample(counted.filter((_ms, line) => line % commands.length === index)));
}
