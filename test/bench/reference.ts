// What is required of bluechi in comparison with systemd, which is asked directly for the same. Absolute bounds are meant for
// the machine on which the requirements were made; where systemd is slower or faster than there, they ask for something else. So
// a bound counts as kept, too, when bluechi takes no more times what systemd takes than the bound allows on that machine.
import type { Check } from "./report.ts";

/** What systemd took there, and what bluechi may add to it, take at most, or do at the least; in ms, rates a second. */
type Bound = { readonly direct: number } & (
  | { readonly added: number }
  | { readonly most: number }
  | { readonly least: number }
);

const bounds = {
  "start of a target": { direct: 0.42, added: 0.5 },
  "stop of a target": { direct: 0.29, added: 0.5 },
  "start of a oneshot": { direct: 3.6, added: 10 },
  "stop of a oneshot": { direct: 0.55, added: 10 },
  GetUnitProperty: { direct: 0.06, most: 0.2 },
  "GetUnitProperty, pipelined": { direct: 81_000, least: 8_000 },
  "GetUnitProperties of a service, pipelined": { direct: 11_200, least: 4_000 },
  "Node.ListUnits of 600": { direct: 0.72, most: 3 },
  "systemctl start of a unit with a target on another host": { direct: 19.5, most: 40 },
  "systemctl stop of a unit with a target on another host": { direct: 5.1, most: 40 },
} satisfies Readonly<Record<string, Bound>>;

/** What is required of something. @param ours and theirs in ms, or a second. */
export function required(what: keyof typeof bounds, ours: number, theirs: number): Check {
  const bound: Bound = bounds[what];
  const { direct } = bound;
  if ("least" in bound) {
    const ratio = { value: theirs / ours, below: direct / bound.least };
    return { what, value: ours, above: bound.least, unit: "a second", ratio };
  }
  const value = ours / theirs;
  if ("most" in bound)
    return { what, value: ours, below: bound.most, unit: "ms", ratio: { value, below: bound.most / direct } };
  const ratio = { value, below: (direct + bound.added) / direct };
  return { what: `what bluechi adds to the ${what}`, value: ours - theirs, below: bound.added, unit: "ms", ratio };
}
