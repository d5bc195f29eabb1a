// The order of our units at shutdown and boot: the agent outlives the proxies, the bus and the network outlive the agent.
import { afterAll, expect } from "bun:test";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";

const cluster = await Cluster.start(["main", "laptop", "pi"], { controller: "[node laptop]\nAllowDependenciesOn=pi" });
const test = testsOn(cluster.lab);
const laptop = cluster.host("laptop");

afterAll(() => cluster.close());

test("a machine that shuts down gives up what it needs of others, and needs it again when it boots", async () => {
  const proxy = "bluechi-proxy@pi_cdn.service";
  await cluster.service("pi", "cdn.service", "[Unit]\nStopWhenUnneeded=yes\n[Service]\nExecStart=sleep infinity\n");
  await cluster.service(
    "laptop",
    "web.service",
    `[Unit]\nWants=${proxy}\nAfter=${proxy}\n[Service]\nExecStart=sleep infinity\n[Install]\nWantedBy=multi-user.target\n`,
  );
  await laptop.sh("systemctl enable bluechi-agent.service && systemctl enable --now web.service");
  expect(await cluster.state("pi", "cdn.service")).toBe("active");

  await laptop.powerOff();
  await cluster.offline("laptop");
  await cluster.reaches("pi", "cdn.service", "inactive");

  await laptop.start();
  expect(await cluster.state("laptop", "web.service")).toBe("active");
  expect(await cluster.state("pi", "cdn.service")).toBe("active");
  expect(await laptop.sh("journalctl -b -1 -p warning --no-pager -q -o cat -u 'bluechi*'")).toBe("");
  expect(await laptop.sh("systemctl --failed --no-legend")).toBe("");
});
