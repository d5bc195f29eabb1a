// A unit that needs a unit of another host: from the command until it is active, and until all is gone.

import type { Part } from "./report.ts";
import { inTurn, timed } from "./sample.ts";
import type { World } from "./world.ts";

const rounds = 30;

export const proxies: Part<World> = {
  name: "proxies",
  async run({ main, node }) {
    const gone = (unit: string) => `until [ "$(systemctl show -P ActiveState '${unit}')" = inactive ]; do :; done`;
    const { start, stop, end } = await inTurn(
      {
        proxy: async () => ({
          start: await timed(() => main.sh("systemctl start bench-source.service")),
          stop: await timed(() => main.sh("systemctl stop bench-source.service")),
          end: await timed(async () => {
            await main.sh(gone("bluechi-proxy@node_bench-cdn.service"));
            await node.sh(gone("bench-cdn.service"));
          }),
        }),
      },
      rounds,
    );
    const row = (what: string, { proxy }: typeof start) => [what, proxy.median, proxy.p99] as const;
    return {
      title: "Proxies, ms",
      columns: ["median", "p99"],
      rows: [
        row("systemctl start of a unit, with its target on the other host", start),
        row("systemctl stop of it", stop),
        row("from there until proxy and target have stopped", end),
      ],
    };
  },
};
