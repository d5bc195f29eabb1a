// Daemons that hang: systemd ends them and starts them again.
import { afterAll, expect } from "bun:test";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";

const cluster = await Cluster.start(["main"]);
const test = testsOn(cluster.lab);
const { main } = cluster;

afterAll(() => cluster.close());

const show = async (unit: string, property: string) => (await main.sh(`systemctl show -P ${property} ${unit}`)).trim();

test("systemd watches the daemons", async () => {
  for (const unit of ["bluechi-controller", "bluechi-agent"]) expect(await show(unit, "WatchdogUSec")).toBe("30s");
});

test("a daemon that hangs is started again, one that works is not", async () => {
  const units = ["bluechi-controller", "bluechi-agent"];
  for (const unit of units) {
    await main.write(`/etc/systemd/system/${unit}.service.d/watchdog.conf`, "[Service]\nWatchdogSec=2s\n");
  }
  await main.sh(`systemctl daemon-reload && systemctl restart ${units.join(" ")}`);
  await cluster.online("main");
  const [controller, agent] = await Promise.all(units.map((unit) => show(unit, "MainPID")));
  await main.sh(`kill -STOP ${controller}`);
  await main.until("the controller to be started again", async () => {
    const [pid, state] = [
      await show("bluechi-controller", "MainPID"),
      await cluster.state("main", "bluechi-controller"),
    ];
    if (state !== "active" || pid === controller) throw new Error(`${state} as ${pid}`);
    return true;
  });
  expect(await main.journal("bluechi-controller")).toContain("Watchdog timeout");
  await cluster.online("main");
  // The agent was watched all the while, for longer than its watchdog waits.
  expect(await show("bluechi-agent", "MainPID")).toBe(agent ?? "");
});
