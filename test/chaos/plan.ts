// What happens when and where, made from nothing but a seed.
import { Random } from "../../src/wire/random.ts";
import type { Action } from "./actions.ts";

export interface Step {
  /** When it begins, in ms after the start. */
  readonly atMs: number;
  readonly action: string;
  readonly host: string;
  /** 0 for what is over at once. */
  readonly lastsMs: number;
}

/** The longest time between two steps, in ms. */
const maxPauseMs = 2000;

/** @param hosts the first one is the controller's. */
export function plan(
  seed: number,
  hosts: readonly string[],
  table: Readonly<Record<string, Pick<Action, "on" | "lastsMs">>>,
  durationMs: number,
): Step[] {
  const random = new Random(seed);
  const any = <T>(items: readonly T[]) => items[random.below(items.length)] as T;
  const steps: Step[] = [];
  for (let atMs = random.below(maxPauseMs); atMs < durationMs; atMs += random.below(maxPauseMs)) {
    const [action, { on, lastsMs: [least, most] = [0, 0] }] = any(Object.entries(table));
    const host = on === "any" ? any(hosts) : (hosts[0] as string);
    steps.push({ atMs, action, host, lastsMs: least + random.below(most - least + 1) });
  }
  return steps;
}
