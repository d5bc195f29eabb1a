// systemd's kinds of dependencies and orders, between units of two nodes.
import { afterAll, afterEach, expect } from "bun:test";
import { agentInterface } from "../../src/api/agent.ts";
import { agentName, rootPath } from "../../src/api/names.ts";
import { ErrorName } from "../../src/base/failure.ts";
import { client } from "../../src/bus/client.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";
import { Program, refusal } from "./program.ts";

const cluster = await Cluster.start(["laptop", "pi"], {
  controller: "[node laptop]\nAllowDependenciesOn=pi,gone\n[node gone]\nAllowed=true",
});
const test = testsOn(cluster.lab);
const laptop = cluster.host("laptop");
const pi = cluster.host("pi");
const proxy = "bluechi-proxy@pi_cdn.service";

afterAll(() => cluster.close());

afterEach(async () => {
  const clean = "systemctl stop 'web*.service' 'cdn.service' 'bluechi-proxy@*' 'bluechi-dep@*'; systemctl reset-failed";
  for (const host of cluster.hosts) await host.run(["bash", "-c", clean]);
  await cluster.reaches("pi", "bluechi-dep@cdn.service", "inactive");
});

/** Writes the target, which takes its time, and a source with lines of its `[Unit]`. */
async function units(lines: string): Promise<void> {
  await cluster.service("pi", "cdn.service", "ExecStartPre=sleep 0.1\nExecStart=sleep infinity");
  await cluster.service("laptop", "web.service", `[Unit]\n${lines}\n[Service]\nExecStart=sleep infinity\n`);
}

/** When a unit became active, in microseconds; all hosts of the testbed have one clock. */
const since = async (host: typeof pi, unit: string) =>
  Number(await host.sh(`systemctl show -P ActiveEnterTimestampMonotonic ${unit}`));

for (const kind of ["Wants", "Requires", "BindsTo", "Upholds"]) {
  test(`${kind}= and After=: the target is active first`, async () => {
    await units(`${kind}=${proxy}\nAfter=${proxy}`);
    await laptop.sh("systemctl start web.service");
    await cluster.reaches("laptop", proxy, "active");
    expect(await cluster.state("pi", "cdn.service")).toBe("active");
    const [source, between, target] = [
      await since(laptop, "web.service"),
      await since(laptop, proxy),
      await since(pi, "cdn.service"),
    ];
    expect(between).toBeGreaterThanOrEqual(target);
    // What is upheld is started beside the unit that upholds it.
    if (kind !== "Upholds") expect(source).toBeGreaterThanOrEqual(between);
  });
}

test("Before=: the source is active first", async () => {
  await units(`Wants=${proxy}\nBefore=${proxy}`);
  await laptop.sh("systemctl start web.service");
  await cluster.reaches("laptop", proxy, "active");
  expect(await since(laptop, "web.service")).toBeLessThanOrEqual(await since(pi, "cdn.service"));
});

test("Requisite=: the source starts only beside a proxy that is active", async () => {
  await units(`Requisite=${proxy}\nAfter=${proxy}`);
  expect((await laptop.run(["systemctl", "start", "web.service"])).status).toBe(1);
  expect(await cluster.state("pi", "cdn.service")).toBe("inactive");
  const holder = `[Unit]\nWants=${proxy}\nAfter=${proxy}\n[Service]\nExecStart=sleep infinity\n`;
  await cluster.service("laptop", "web-holder.service", holder);
  await laptop.sh("systemctl start web-holder.service && systemctl start web.service");
  expect(await cluster.state("laptop", "web.service")).toBe("active");
});

for (const [kind, state] of [
  ["Wants", "active"],
  ["Requires", "inactive"],
  ["BindsTo", "inactive"],
] as const) {
  test(`${kind}=: the source is ${state} after its target has failed`, async () => {
    await units(`${kind}=${proxy}\nAfter=${proxy}`);
    await laptop.sh("systemctl start web.service");
    await pi.sh("systemctl kill -s SIGKILL cdn.service");
    await cluster.reaches("laptop", proxy, "inactive");
    await cluster.reaches("laptop", "web.service", state);
  });
}

test("Upholds=: the target is started again when it has failed", async () => {
  await units(`Upholds=${proxy}\nAfter=${proxy}`);
  await laptop.sh("systemctl start web.service");
  await cluster.reaches("laptop", proxy, "active");
  const before = await since(pi, "cdn.service");
  await pi.sh("systemctl kill -s SIGKILL cdn.service");
  await pi.until("another start", async () => (await since(pi, "cdn.service")) > before);
  await cluster.reaches("laptop", proxy, "active");
});

test("a proxy is made once, and whoever waits for it hears of the agent's end", async () => {
  const program = await Program.on(laptop);
  const agent = client(program.bus, agentName, rootPath, agentInterface);
  const gone = { local_service_name: "bluechi-proxy@gone_x.service", node: "gone", unit: "x.service" };
  const pending = refusal(agent.call("CreateProxy", gone, { timeoutMs: 0 }));
  expect(await refusal(agent.call("CreateProxy", gone))).toBe(`${ErrorName.AddressInUse}: Proxy already exists`);
  // Several, as the answer and the news that the agent has left may come to each in one piece.
  const waiting = ["a", "b", "c", "d"].map((unit) =>
    laptop.spawn(["/usr/libexec/bluechi-proxy", "create", `gone_${unit}.service`]),
  );
  await laptop.until("all to be announced", async () => {
    const log = await laptop.journal("bluechi-controller");
    return (
      (log.match(/'[a-d].service' needed by node 'laptop' waits for node 'gone'/g)?.length ?? 0) === waiting.length
    );
  });
  await laptop.sh("systemctl stop bluechi-agent");
  expect(await pending).toBe(`${ErrorName.Failed}: Proxy service stopped`);
  for (const create of waiting) {
    expect(await create.line(/./)).toBe("Failed to call CreateProxy: Proxy service stopped");
    expect(await create.exited).toBe(1);
  }
  await laptop.sh("systemctl start bluechi-agent");
  await cluster.online("laptop");
  program.close();
});
