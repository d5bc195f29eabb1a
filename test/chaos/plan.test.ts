import { expect, test } from "bun:test";
import { actions } from "./actions.ts";
import { plan } from "./plan.ts";

const hosts = ["laptop", "pi", "nas"];

test("a seed is a plan, another seed another", () => {
  expect(plan(7, hosts, actions, 60_000)).toEqual(plan(7, hosts, actions, 60_000));
  expect(plan(8, hosts, actions, 60_000)).not.toEqual(plan(7, hosts, actions, 60_000));
});

test("everything happens, everywhere, in its time and for as long as it may", () => {
  const steps = plan(1, hosts, actions, 3_600_000);
  expect(new Set(steps.map(({ action }) => action))).toEqual(new Set(Object.keys(actions)));
  expect(new Set(steps.map(({ host }) => host))).toEqual(new Set(hosts));
  let before = 0;
  for (const { action, host, atMs, lastsMs } of steps) {
    expect(atMs).toBeWithin(before, 3_600_000);
    before = atMs;
    const { on, lastsMs: [least, most] = [0, 0] } = actions[action]!;
    expect(lastsMs).toBeWithin(least, most + 1);
    if (on === "controller") expect(host).toBe("laptop");
  }
});
