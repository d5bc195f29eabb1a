// The link between agents and controller: what is silent is lost, what is hostile does no harm.
import { afterAll, expect } from "bun:test";
import { agentName, rootPath } from "../../src/api/names.ts";
import { testsOn } from "../testbed/host-test.ts";
import type { Running } from "../testbed/running.ts";
import { Cluster } from "./cluster.ts";
import { bear, hurry, LinkWatch, losses, survive } from "./losses.ts";
import { Program } from "./program.ts";

const cluster = await Cluster.start(["main", "pi"]);
const test = testsOn(cluster.lab);
const { main } = cluster;
const pi = cluster.host("pi");

afterAll(() => cluster.close());

/** What a node that was heard a moment ago cannot be taken for lost before, less than the threshold by one heartbeat. */
const leastMs = 3900;

const agentStatus = `busctl get-property ${agentName} ${rootPath} ${agentName} Status`;

test("an agent that stops still, and one whose cable is cut, are lost after the threshold, and come back", async () => {
  const program = await Program.on(main, { listen: true });
  const since = performance.now();
  const stopped = main.sh("systemctl kill -s SIGSTOP bluechi-agent");
  await Promise.all([stopped, pi.cut()]);
  const lost = async (node: string) => {
    await main.until(`${node} to be lost`, () => program.texts.includes(`node/${node} Status=offline`));
    expect(performance.now() - since).toBeGreaterThan(leastMs);
  };
  const away = pi.until("the agent to notice", async () => (await pi.sh(agentStatus)) === 's "offline"\n');
  await Promise.all([lost("main"), lost("pi"), away]);
  expect(program.all(/^Status=/)).toEqual(["Status=degraded", "Status=down"]);
  const { status, stderr } = await cluster.ctl("start", "pi", "dbus.service");
  expect({ status, stderr }).toEqual({ status: 1, stderr: "Failed to issue method call: Node is offline\n" });
  expect((await cluster.ctl("status", "pi")).stdout).toMatch(/^pi +\| offline +\| +\| \d{4}-\d\d-\d\d /m);
  for (const name of ["main", "pi"]) {
    await main.logged("bluechi-controller", new RegExp(`Node '${name}' disconnected: .*heartbeat`));
  }
  program.clear();
  await Promise.all([main.sh("systemctl kill -s SIGCONT bluechi-agent"), pi.mend()]);
  await program.hears("Status=degraded", "Status=up");
  expect(program.all(/^Status=/)).toEqual(["Status=degraded", "Status=up"]);
  expect(program.all(/^node/).sort()).toEqual(["node/main Status=online", "node/pi Status=online"]);
  expect((await cluster.ctl("daemon-reload", "pi")).status).toBe(0);
  program.close();
});

test("an agent tells whether it is refused by the controller's machine, by a firewall, or has no network", async () => {
  const says = async (why: string): Promise<void> => {
    // One that has tried in vain for a while says no more.
    await pi.sh("systemctl restart --no-block bluechi-agent");
    await pi.logged("bluechi-agent", new RegExp(`cannot connect to tcp:host=main,port=842: ${why}$`, "m"));
  };
  await main.sh("systemctl stop bluechi-controller.service bluechi-controller.socket");
  await says("connection refused");
  // As firewalld does.
  await main.sh("nft 'add table inet door; add chain inet door in { type filter hook input priority 0; }'");
  await main.sh("nft add rule inet door in tcp dport 842 reject with icmpx admin-prohibited");
  await says("no route to host");
  await pi.sh("ip route flush dev eth0");
  await says("network is unreachable");
  await pi.sh("ip route add 10.77.0.0/24 dev eth0");
  await main.sh("nft delete table inet door; systemctl start bluechi-controller");
  await cluster.online("pi");
  await cluster.online("main");
});

test("a large answer on a thin line takes longer than the threshold, and is no silence", async () => {
  const watch = await LinkWatch.on(cluster, "pi");
  const program = await Program.on(main);
  await pi.thin(64);
  const answers = [0, 1].map(() => program.node("pi").call("ListUnits", {}));
  expect((await cluster.ctl("reset-failed", "pi")).status).toBe(0);
  for (const { units } of await Promise.all(answers)) expect(units.length).toBeGreaterThan(50);
  await pi.mend();
  expect([watch.losses("controller"), watch.losses("agent")]).toEqual([0, 0]);
  program.close();
  watch.close();
});

test("the defaults give way to what is configured", () => hurry(cluster));

const job = () => cluster.ctl("start", "pi", "probe.service");

for (const loss of losses) {
  test(`${loss.what}: who can notice does so, and all is well again by itself`, () => survive(cluster, loss));
}

test("a third of all packets is lost: the link lasts or comes back, and jobs are done", async () => {
  const watch = await LinkWatch.on(cluster, "pi");
  await pi.lose(0.3);
  const end = performance.now() + 5000;
  let done = 0;
  while (performance.now() < end || done === 0) if ((await job()).stdout.includes("done")) done++;
  await pi.mend();
  // A link that lasts so far may still be found to be lost.
  await pi.until("a job to be done", async () => (await job()).stdout.includes("done"));
  watch.close();
});

// What follows is about links that are not taken for lost, dead or alive, however slow this machine is.
test("the heartbeats that are configured give way to patient ones", () => bear(cluster));

test("a node that is back before it was missed is let in at once", async () => {
  const program = await Program.on(main, { listen: true });
  const before = await pi.sh("systemctl show -P MainPID bluechi-agent");
  await pi.cut();
  // Nobody is told that this agent ends.
  await pi.sh("systemctl kill -s SIGKILL bluechi-agent");
  await pi.until("another agent", async () => {
    const now = await pi.sh("systemctl show -P MainPID bluechi-agent");
    return now !== before && now !== "0\n";
  });
  await pi.mend();
  await program.hears("node/pi Status=online");
  expect((await job()).stdout).toContain("done");
  program.close();
});

/** Another agent with the name of pi, on the host of the controller, whose own agent is stopped meanwhile. */
async function withDouble(work: (double: Running) => Promise<void>): Promise<void> {
  await main.sh("systemctl stop bluechi-agent");
  const double = main.spawn(["/usr/libexec/bluechi-agent", "-n", "pi"], { BC_LOG_TARGET: "stderr" });
  await work(double);
  await double.kill();
  expect(await double.exited).toBe(0);
  await main.sh("systemctl start bluechi-agent");
  await cluster.online("main");
}

test("who comes back takes the place of a connection that is dead, but not known to be", async () => {
  const program = await Program.on(main, { listen: true });
  await pi.sh("systemctl kill -s SIGSTOP bluechi-agent");
  await withDouble(async () => {
    await program.hears("node/pi Status=offline", "node/pi Status=online");
    expect(await program.node("pi").get("PeerIp")).toEndWith(main.address);
    expect((await cluster.ctl("daemon-reload", "pi")).status).toBe(0);
    await main.logged("bluechi-controller", "Node 'pi' has connected again from");
  });
  await pi.sh("systemctl kill -s SIGCONT bluechi-agent");
  // It was told that another one has its name, and would ask only later whether it has gone.
  await pi.sh("systemctl restart bluechi-agent");
  await cluster.online("pi");
  expect(await program.node("pi").get("PeerIp")).toEndWith(pi.address);
  program.close();
});

test("of two agents with one name the newer is the node, and both sides say so once", async () => {
  const program = await Program.on(main, { listen: true });
  await withDouble(async () => {
    await program.hears("node/pi Status=offline", "node/pi Status=online");
    await pi.logged("bluechi-agent", "another agent has connected as 'pi'; this one asks every 60 s");
    expect(program.all(/^node\/pi/)).toEqual(["node/pi Status=offline", "node/pi Status=online"]);
    expect(await pi.sh(agentStatus)).toBe('s "offline"\n');
    // Whoever is restarted is the newer one.
    await pi.sh("systemctl restart bluechi-agent");
    expect(await program.node("pi").get("PeerIp")).toEndWith(pi.address);
  });
  await program.caughtUp();
  expect(program.all(/^node\/pi/).slice(2)).toEqual(["node/pi Status=offline", "node/pi Status=online"]);
  program.close();
});

test("a second agent on one host is refused by the bus", async () => {
  const { status, stderr } = await pi.run(["/usr/libexec/bluechi-agent"], { env: { BC_LOG_TARGET: "stderr" } });
  expect(status).toBe(1);
  expect(stderr).toContain(agentName);
  await cluster.online("pi");
});
