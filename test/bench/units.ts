// So many units on hosts that lists of them are long.
import type { Host } from "../testbed/host.ts";
import { many, type World } from "./world.ts";

/** How many units each host has. */
export const unitCount = 600;

/** Starts targets until each host has so many units. @returns what ends those again. */
export async function fill(world: World, hosts: readonly Host[]): Promise<() => Promise<void>> {
  const fills = hosts.map(async (host) => {
    const { systemd } = await world.jobs(host);
    const there = Number(await host.sh("systemctl list-units --all --no-legend | wc -l"));
    const units = Array.from({ length: Math.max(0, unitCount - there) }, (_, index) => many(index));
    await Promise.all(units.map((unit) => systemd.run("start", unit)));
    return () => Promise.all(units.map((unit) => systemd.run("stop", unit)));
  });
  const filled = await Promise.all(fills);
  return async () => void (await Promise.all(filled.map((empty) => empty())));
}
