// A unit that needs a unit of another host, against one that needs a unit of its own: until it is active, and until it
// has stopped.
import type { Host } from "../testbed/host.ts";
import { required } from "./reference.ts";
import { compared, comparison, type Part } from "./report.ts";
import { interleaved, scaled, type Way } from "./sample.ts";
import { inShell } from "./shell.ts";
import type { World } from "./world.ts";

const rounds = 30;

/** All at once, as at a boot. */
const fans = 50;
const fanRounds = 4;
const maxFanMs = 3000;
const fan = (name: string) => Array.from({ length: fans }, (_, index) => `${name}@${index}.service`).join(" ");

export const proxies: Part<World> = {
  name: "proxies",
  async run({ main, node }) {
    const found = await interleaved(
      {
        bluechi: startAndStop(main, "bench-source.service", async () => {
          await main.sh(gone("bluechi-proxy@node_bench-cdn.service"));
          await node.sh(gone("bench-cdn.service"));
        }),
        systemd: startAndStop(main, "bench-local-source.service", () => main.sh(gone("bench-cdn.service"))),
      },
      { rounds: scaled(rounds) },
    );
    const together = await interleaved(
      {
        bluechi: startAndStop(main, fan("bench-fan"), async () => {
          await main.sh(allGone("bluechi-proxy@node_bench-cdn"));
          await node.sh(allGone("bench-cdn@"));
        }),
        systemd: startAndStop(main, fan("bench-local-fan"), () => main.sh(allGone("bench-cdn@"))),
      },
      { rounds: scaled(fanRounds) },
    );
    const checks = (["start", "stop"] as const).map((type) => {
      const [ours, theirs] = [found.bluechi.times[type], found.systemd.times[type]];
      return required(`systemctl ${type} of a unit with a target on another host`, ours.median, theirs.median);
    });
    return [
      {
        title: "A unit with a target on another host, on its own, ms",
        columns: comparison,
        rows: [compared("systemctl start", found, "start"), compared("systemctl stop", found, "stop")],
        checks,
      },
      {
        title: `${fans} units with a target each on another host, on their own, ms`,
        columns: comparison,
        rows: [compared("one systemctl start", together, "start"), compared("one systemctl stop", together, "stop")],
        checks: [
          {
            what: `systemctl start of ${fans}`,
            value: together.bluechi.times.start.median,
            below: maxFanMs,
            unit: "ms",
          },
        ],
      },
    ];
  },
};

const gone = (unit: string) => `until [ "$(systemctl show -P ActiveState '${unit}')" = inactive ]; do :; done`;

const allGone = (start: string) =>
  `until [ -z "$(systemctl list-units --no-legend --state=active,activating,deactivating '${start}*')" ]; do :; done`;

function startAndStop(host: Host, unit: string, ended: () => Promise<unknown>): Way<"start" | "stop"> {
  return async () => {
    const [start = 0, stop = 0] = await inShell(host, [`systemctl start ${unit}`, `systemctl stop ${unit}`]);
    await ended();
    return { start: [start], stop: [stop] };
  };
}
