// The daemons read their configuration again: what changed counts, what did not is undisturbed.
import { afterAll, afterEach, expect } from "bun:test";
import type { Host } from "../testbed/host.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";
import { Program, refusal } from "./program.ts";
import { type Role, reload as readAgain } from "./reloading.ts";

const cluster = await Cluster.start(["main", "pi"]);
const test = testsOn(cluster.lab);
const { main } = cluster;
const pi = cluster.host("pi");
const programs: Program[] = [];
const configuration: Record<Role, string> = {
  controller: "/etc/bluechi/controller.conf.d/zz-reload.conf",
  agent: "/etc/bluechi/agent.conf.d/zz-reload.conf",
};

afterEach(async () => {
  for (const program of programs.splice(0)) program.close();
  for (const [host, role] of [
    [main, "controller"],
    [pi, "agent"],
  ] as const) {
    await host.sh(`rm -f ${configuration[role]}`);
    await readAgain(host, role);
  }
  for (const name of ["main", "pi"]) await cluster.online(name);
});

afterAll(() => cluster.close());

async function program(...args: Parameters<typeof Program.on>): Promise<Program> {
  const made = await Program.on(...args);
  programs.push(made);
  return made;
}

const show = async (host: Host, unit: string, property: string) =>
  (await host.sh(`systemctl show -P ${property} ${unit}`)).trim();

/** Writes a drop-in, and has it read. */
async function reload(host: Host, role: Role, lines: string): Promise<void> {
  await host.write(configuration[role], `[bluechi-${role}]\n${lines}\n`);
  await readAgain(host, role);
}

const pids = async () =>
  Promise.all([main, pi].map((host) => host.sh("systemctl show -P MainPID bluechi-controller bluechi-agent")));

test("nodes come, change their order and go, under a monitor, a job and a proxy", async () => {
  const before = await pids();
  await cluster.service("pi", "slow.service", "Type=oneshot\nExecStart=sleep infinity\nTimeoutStartSec=infinity");
  await cluster.service("pi", "cdn.service", "[Unit]\nStopWhenUnneeded=yes\n[Service]\nExecStart=sleep infinity");
  const proxy = "bluechi-proxy@pi_cdn.service";
  const unit = `[Unit]\nBindsTo=${proxy}\nAfter=${proxy}\n[Service]\nExecStart=sleep infinity`;
  await cluster.service("main", "web.service", unit);
  const watching = await program(main, { listen: true });
  const { monitor } = await watching.monitor();
  await monitor.call("Subscribe", { node: "*", unit: "slow.service" });

  const nodes = "AllowedNodeNames=new,pi,main\n[node main]\nAllowDependenciesOn=pi";
  await reload(main, "controller", nodes);
  await watching.hears("Status=degraded");
  const { nodes: listed } = await watching.controller.call("ListNodes", {});
  expect(listed.map(([name, , status]) => `${name} ${status}`)).toEqual(["new offline", "pi online", "main online"]);
  expect(await watching.node("new").get("Status")).toBe("offline");
  await main.sh("systemctl start web.service");
  expect(await cluster.state("pi", "cdn.service")).toBe("active");
  await watching.node("pi").call("StartUnit", { name: "slow.service", mode: "replace" });
  await watching.hears(/State=running$/);
  watching.clear();

  await reload(main, "controller", "AllowedNodeNames=main");
  await watching.hears(/^JobRemoved \d+ \S+ pi slow.service failed$/, "node/pi Status=offline", "Status=up");
  await watching.hears(
    /UnitStateChanged pi slow.service inactive agent-offline virtual$/,
    /UnitRemoved pi slow.service virtual$/,
  );
  await cluster.reaches("main", "web.service", "inactive");
  await cluster.reaches("pi", "cdn.service", "inactive");
  expect(await refusal(watching.node("pi").get("Status"))).toContain("UnknownObject");
  expect(await main.sh("busctl tree --list org.eclipse.bluechi | grep node/")).toBe("/org/eclipse/bluechi/node/main\n");
  await main.logged("bluechi-agent", "node 'pi' is no longer in the controller's configuration");
  await pi.logged("bluechi-agent", "node 'pi' is no longer in the controller's configuration");

  watching.clear();
  await reload(main, "controller", nodes);
  await cluster.online("pi");
  // The job went on, and the monitor listens to the node again.
  await watching.hears("node/pi Status=online", /UnitStateChanged pi slow.service activating start virtual$/);
  expect(watching.all(/^node\/main/)).toEqual([]);
  expect(await pids()).toEqual(before);
  await pi.sh("systemctl stop slow.service");
});

test("what counts at once is in force, and what waits for a restart is named once", async () => {
  const watching = await program(main);
  expect(await watching.controller.get("LogLevel")).toBe("DEBUG");
  const settings = "LogLevel=INFO\nLogTarget=stderr\nControllerPort=900\nUseUDS=no";
  for (let round = 0; round < 2; round++) await reload(main, "controller", settings);
  expect(await watching.controller.get("LogLevel")).toBe("INFO");
  // A property that is constant by its annotation stays as it is.
  expect(await watching.controller.get("LogTarget")).toBe("journald");
  expect((await main.journal("bluechi-controller")).match(/What is new in .*/g)).toEqual([
    "What is new in ControllerPort, UseUDS, LogTarget counts after a restart",
  ]);
  expect(await show(main, "bluechi-controller", "StatusText")).toBe(
    "2 nodes may register; restart needed for ControllerPort, UseUDS, LogTarget",
  );
  expect(await main.sh("ss -Hltn 'sport = :842' | wc -l")).toBe("1\n");
  // New links have new heartbeats: without the agent's the controller would lose it after 300 ms.
  await reload(main, "controller", "HeartbeatInterval=100\nNodeHeartbeatThreshold=300");
  await pi.sh("systemctl restart bluechi-agent");
  await cluster.online("pi");
  await pi.sh("systemctl kill -s SIGSTOP bluechi-agent");
  await cluster.offline("pi");
  await main.logged("bluechi-controller", "heartbeat from node 'pi' since '300'ms");
  await pi.sh("systemctl kill -s SIGCONT bluechi-agent");
  await cluster.online("pi");
  // The tests that follow are not about heartbeats that are missed so soon.
  await reload(main, "controller", "");
  await pi.sh("systemctl restart bluechi-agent");
  await cluster.online("pi");
});

for (const [host, role] of [
  [main, "controller"],
  [pi, "agent"],
] as const) {
  test(`${role}: a configuration with an error changes nothing, and the service says so`, async () => {
    const [before, offline] = [await pids(), (await main.journal("bluechi-controller")).match(/disconnected/g)?.length];
    const what = `Error parsing configuration file '${configuration[role]}' on line 3`;
    await reload(host, role, "LogLevel=ERROR\ngarbage\nAllowedNodeNames=\nNodeName=other");
    expect(await show(host, `bluechi-${role}`, "StatusText")).toEndWith(`; configuration not reloaded: ${what}`);
    await host.logged(`bluechi-${role}`, `the one before stays in force: ${what}`);
    expect((await cluster.ctl("daemon-reload", "pi")).status).toBe(0);
    expect(await pids()).toEqual(before);
    expect((await main.journal("bluechi-controller")).match(/disconnected/g)?.length).toBe(offline as number);
  });
}

test("an agent registers again by another name, and at another address", async () => {
  const before = await pids();
  await reload(main, "controller", "AllowedNodeNames=main,pi,other");
  await reload(pi, "agent", "NodeName=other");
  await cluster.online("other");
  await cluster.offline("pi");
  const address = `tcp:host=${main.address},port=842`;
  await reload(pi, "agent", `ControllerAddress=${address}`);
  await cluster.online("pi");
  await cluster.offline("other");
  expect(
    await pi.sh(
      "busctl get-property org.eclipse.bluechi.Agent /org/eclipse/bluechi org.eclipse.bluechi.Agent ControllerAddress",
    ),
  ).toBe(`s "${address}"\n`);
  await pi.logged("bluechi-agent", `Connecting again, as 'pi' to ${address}`);
  await pi.until(
    "the agent to say so",
    async () => (await show(pi, "bluechi-agent", "StatusText")) === "Node pi is online",
  );
  expect(await pids()).toEqual(before);
});
