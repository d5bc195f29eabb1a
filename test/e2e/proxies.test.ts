import { afterAll, afterEach, expect } from "bun:test";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";

const cluster = await Cluster.start(["laptop", "tablet", "pi"], {
  controller:
    "[node laptop]\nAllowDependenciesOn=pi,nas\n[node tablet]\nAllowDependenciesOn=pi\n[node nas]\nAllowed=true",
});
const test = testsOn(cluster.lab);
const laptop = cluster.host("laptop");
const pi = cluster.host("pi");

afterAll(() => cluster.close());

afterEach(async () => {
  const clean =
    "systemctl stop 'web*.service' 'cdn*.service' 'bluechi-proxy@*' 'bluechi-dep@*'; systemctl reset-failed";
  await Promise.all(cluster.hosts.map((host) => host.run(["bash", "-c", clean])));
  const quiet = "systemctl list-units --all --plain --no-legend 'bluechi-proxy@*' 'bluechi-dep@*' | grep -v inactive";
  for (const host of cluster.hosts) {
    await host.until("no proxies to be left", async () => (await host.run(["bash", "-c", quiet])).stdout === "");
  }
});

const sleeper = "ExecStart=sleep infinity";

/** A unit on the laptop that needs a unit on another node. */
async function source(need: "Wants" | "BindsTo" | "Requires", target: string, host = "laptop"): Promise<void> {
  const proxy = `bluechi-proxy@${target}.service`;
  await cluster.service(host, "web.service", `[Unit]\n${need}=${proxy}\nAfter=${proxy}\n[Service]\n${sleeper}\n`);
}

const start = (unit: string) => laptop.run(["systemctl", "start", unit]);

/**
 * Returns once the proxies of the laptop whose targets are on pi are live again, after its agent or the controller was away. Answers come behind
 * what was said before: the proxies' announcement, then what is to be known of their targets, then the starts of those.
 */
async function live(): Promise<void> {
  for (const { name } of cluster.hosts) await cluster.online(name);
  for (const node of ["laptop", "pi", "pi"]) expect((await cluster.ctl("get-default", node)).status).toBe(0);
}

test("a source starts its target, which goes with it", async () => {
  await cluster.service("pi", "cdn.service", `[Unit]\nStopWhenUnneeded=yes\n[Service]\n${sleeper}\n`);
  await source("Wants", "pi_cdn");
  await laptop.sh("systemctl start web.service");
  expect(await cluster.state("pi", "cdn.service")).toBe("active");
  expect(await cluster.state("pi", "bluechi-dep@cdn.service")).toBe("active");
  expect(await cluster.state("laptop", "bluechi-proxy@pi_cdn.service")).toBe("active");
  await laptop.sh("systemctl stop web.service");
  await cluster.reaches("laptop", "bluechi-proxy@pi_cdn.service", "inactive");
  await cluster.reaches("pi", "bluechi-dep@cdn.service", "inactive");
  await cluster.reaches("pi", "cdn.service", "inactive");
});

test("a target that is not StopWhenUnneeded stays when its users are gone", async () => {
  await cluster.service("pi", "cdn.service", sleeper);
  await source("Wants", "pi_cdn");
  await laptop.sh("systemctl start web.service && systemctl stop web.service");
  await cluster.reaches("pi", "bluechi-dep@cdn.service", "inactive");
  expect(await cluster.state("pi", "cdn.service")).toBe("active");
});

test("denied: the proxy fails and says so, what only wants it starts all the same", async () => {
  await cluster.service("pi", "web.service", `[Unit]\nWants=bluechi-proxy@laptop_cdn.service\n[Service]\n${sleeper}`);
  await cluster.service("laptop", "cdn.service", sleeper);
  await pi.sh("systemctl start web.service");
  await cluster.reaches("pi", "bluechi-proxy@laptop_cdn.service", "failed");
  expect(await cluster.state("pi", "web.service")).toBe("active");
  expect(await cluster.state("laptop", "cdn.service")).toBe("inactive");
  await pi.logged("bluechi-proxy@*", "'pi' has no AllowDependenciesOn=laptop");
  await laptop.logged("bluechi-controller", "Proxy request denied for pi->laptop");
});

for (const [what, target, message] of [
  ["an unknown node", "nowhere_cdn", "No such node 'nowhere'"],
  ["a missing target", "pi_cdn-missing", "Unit cdn-missing.service not found."],
] as const) {
  test(`${what}: what requires the proxy does not start`, async () => {
    await source("Requires", target);
    expect((await start("web.service")).status).not.toBe(0);
    expect(await cluster.state("laptop", `bluechi-proxy@${target}.service`)).toBe("failed");
    expect(await cluster.state("laptop", "web.service")).toBe("inactive");
    await laptop.logged("bluechi-proxy@*", message);
  });
}

test("a target that fails at its start fails the proxy", async () => {
  await cluster.service("pi", "cdn.service", "Type=oneshot\nExecStart=false");
  await source("BindsTo", "pi_cdn");
  for (let round = 0; round < 5; round++) {
    expect((await start("web.service")).status).not.toBe(0);
    expect(await cluster.state("laptop", "bluechi-proxy@pi_cdn.service")).toBe("failed");
    expect(await cluster.state("pi", "bluechi-dep@cdn.service")).toBe("inactive");
  }
});

test("a simple target whose process ends at once never leaves the source waiting", async () => {
  await cluster.service("pi", "cdn.service", "ExecStart=false");
  await source("Wants", "pi_cdn");
  for (let round = 0; round < 10; round++) {
    await laptop.sh("systemctl start web.service");
    await laptop.until("the proxy to be down", async () =>
      ["inactive", "failed"].includes(await cluster.state("laptop", "bluechi-proxy@pi_cdn.service")),
    );
    await laptop.sh("systemctl stop web.service; systemctl reset-failed");
  }
});

test("a target that fails later stops the proxy and what is bound to it", async () => {
  await cluster.service("pi", "cdn.service", sleeper);
  await source("BindsTo", "pi_cdn");
  await laptop.sh("systemctl start web.service");
  await pi.sh("systemctl kill -s SIGKILL cdn.service");
  await cluster.reaches("laptop", "bluechi-proxy@pi_cdn.service", "inactive");
  await cluster.reaches("laptop", "web.service", "inactive");
});

test("a target that is stopped by hand stops the proxy, not what only wants it", async () => {
  await cluster.service("pi", "cdn.service", sleeper);
  await source("Wants", "pi_cdn");
  await laptop.sh("systemctl start web.service");
  await pi.sh("systemctl stop cdn.service");
  await cluster.reaches("laptop", "bluechi-proxy@pi_cdn.service", "inactive");
  await cluster.reaches("pi", "bluechi-dep@cdn.service", "inactive");
  expect(await cluster.state("laptop", "web.service")).toBe("active");
});

test("stopping only the dependency unit leaves all else as it is", async () => {
  await cluster.service("pi", "cdn.service", sleeper);
  await source("Wants", "pi_cdn");
  await laptop.sh("systemctl start web.service");
  await pi.sh("systemctl stop bluechi-dep@cdn.service");
  expect(await cluster.state("pi", "cdn.service")).toBe("active");
  expect(await cluster.state("laptop", "bluechi-proxy@pi_cdn.service")).toBe("active");
  expect(await cluster.state("laptop", "web.service")).toBe("active");
});

test("a stop of the target that a start overtakes: all stays, and the dependency unit is there again", async () => {
  await cluster.service("pi", "cdn.service", sleeper);
  await source("BindsTo", "pi_cdn");
  // The target's stop waits for the end of what is bound to it, and that for the target's start.
  const dropIn = "/etc/systemd/system/bluechi-dep@cdn.service.d/slow.conf";
  await pi.write(dropIn, "[Service]\nExecStop=sh -c 'until [ -e /run/started ]; do sleep 0.05; done'\n");
  await pi.sh("systemctl daemon-reload");
  await laptop.sh("systemctl start web.service");
  const since = (unit: string) => pi.sh(`systemctl show -P ActiveEnterTimestampMonotonic ${unit}`);
  const before = [await since("cdn.service"), await since("bluechi-dep@cdn.service")];
  await pi.sh("systemctl stop --no-block cdn.service && systemctl start cdn.service && touch /run/started");
  await pi.until("another start", async () => (await since("bluechi-dep@cdn.service")) !== before[1]);
  await cluster.reaches("pi", "bluechi-dep@cdn.service", "active");
  expect(await since("cdn.service")).toBe(before[0] as string);
  expect(await cluster.state("laptop", "bluechi-proxy@pi_cdn.service")).toBe("active");
  expect(await cluster.state("laptop", "web.service")).toBe("active");
  await pi.sh(`rm ${dropIn} && systemctl daemon-reload`);
});

test("sources on several nodes share one target until the last of them stops", async () => {
  await cluster.service("pi", "cdn.service", `[Unit]\nStopWhenUnneeded=yes\n[Service]\n${sleeper}\n`);
  await source("Wants", "pi_cdn");
  await source("Wants", "pi_cdn", "tablet");
  const tablet = cluster.host("tablet");
  await Promise.all([laptop.sh("systemctl start web.service"), tablet.sh("systemctl start web.service")]);
  await laptop.sh("systemctl stop web.service");
  await cluster.reaches("laptop", "bluechi-proxy@pi_cdn.service", "inactive");
  expect(await cluster.state("pi", "cdn.service")).toBe("active");
  expect(await cluster.state("pi", "bluechi-dep@cdn.service")).toBe("active");
  await tablet.sh("systemctl stop web.service");
  await cluster.reaches("pi", "bluechi-dep@cdn.service", "inactive");
  await cluster.reaches("pi", "cdn.service", "inactive");
});

test("a source that is stopped while its target starts gives it up", async () => {
  await cluster.service("pi", "cdn.service", "Type=oneshot\nExecStart=sleep infinity\nTimeoutStartSec=infinity");
  await source("Wants", "pi_cdn");
  await laptop.sh("systemctl start --no-block web.service");
  await cluster.reaches("pi", "cdn.service", "activating");
  await laptop.sh("systemctl stop web.service bluechi-proxy@pi_cdn.service");
  await pi.until(
    "the dependency to be given up",
    async () => (await pi.sh("systemctl list-jobs --no-legend 'bluechi-dep@*'")) === "",
  );
  expect(await cluster.state("pi", "bluechi-dep@cdn.service")).toBe("inactive");
});

test("while the target's node is offline the proxy waits, and starts when the node comes", async () => {
  await cluster.service("pi", "cdn.service", sleeper);
  await source("Wants", "pi_cdn");
  await pi.sh("systemctl stop bluechi-agent");
  await cluster.offline("pi");
  await laptop.sh("systemctl start --no-block web.service");
  await cluster.reaches("laptop", "bluechi-proxy@pi_cdn.service", "activating");
  await laptop.logged("bluechi-controller", "waits for node 'pi', which is offline");
  await pi.sh("systemctl start bluechi-agent");
  await cluster.reaches("laptop", "web.service", "active");
  expect(await cluster.state("laptop", "bluechi-proxy@pi_cdn.service")).toBe("active");
  expect(await cluster.state("pi", "cdn.service")).toBe("active");
});

test("the target's node goes and comes: the proxy stays, the dependency is there again", async () => {
  await cluster.service("pi", "cdn.service", sleeper);
  await source("BindsTo", "pi_cdn");
  await laptop.sh("systemctl start web.service");
  await pi.sh("systemctl kill -s SIGKILL bluechi-agent");
  await cluster.reaches("pi", "bluechi-agent.service", "active");
  await cluster.online("pi");
  await pi.sh(
    "systemctl stop bluechi-agent && systemctl stop bluechi-dep@cdn.service && systemctl start bluechi-agent",
  );
  await cluster.reaches("pi", "bluechi-dep@cdn.service", "active");
  expect(await cluster.state("laptop", "bluechi-proxy@pi_cdn.service")).toBe("active");
  expect(await cluster.state("laptop", "web.service")).toBe("active");
});

for (const command of ["systemctl restart bluechi-agent", "systemctl kill -s SIGKILL bluechi-agent"]) {
  test(`the source's agent comes back with its proxies live: ${command}`, async () => {
    await cluster.service("pi", "cdn.service", sleeper);
    await source("BindsTo", "pi_cdn");
    await laptop.sh("systemctl start web.service");
    const pid = await laptop.sh("systemctl show -P MainPID bluechi-agent");
    await laptop.sh(command);
    await laptop.until("another agent", async () => {
      const now = await laptop.sh("systemctl show -P MainPID bluechi-agent");
      return now !== pid && now !== "0\n";
    });
    await live();
    expect(await cluster.state("pi", "bluechi-dep@cdn.service")).toBe("active");
    expect(await cluster.state("laptop", "web.service")).toBe("active");
    expect(await cluster.state("laptop", "bluechi-proxy@pi_cdn.service")).toBe("active");
    // The proxy is live: the target's failure still reaches the source, and the end of the source the target.
    await pi.sh("systemctl kill -s SIGKILL cdn.service");
    await cluster.reaches("laptop", "web.service", "inactive");
    await cluster.reaches("pi", "bluechi-dep@cdn.service", "inactive");
  });
}

test("an agent that is stopped for good takes its proxies along", async () => {
  await cluster.service("pi", "cdn.service", sleeper);
  await source("BindsTo", "pi_cdn");
  await laptop.sh("systemctl start web.service && systemctl stop bluechi-agent");
  await cluster.reaches("laptop", "bluechi-proxy@pi_cdn.service", "inactive");
  await cluster.reaches("laptop", "web.service", "inactive");
  await cluster.reaches("pi", "bluechi-dep@cdn.service", "inactive");
  await laptop.sh("systemctl start bluechi-agent");
  await cluster.online("laptop");
});

test("the controller restarts under live proxies", async () => {
  await cluster.service("pi", "cdn.service", sleeper);
  await source("BindsTo", "pi_cdn");
  await laptop.sh("systemctl start web.service && systemctl restart bluechi-controller");
  await live();
  expect(await cluster.state("laptop", "web.service")).toBe("active");
  await pi.sh("systemctl stop cdn.service");
  await cluster.reaches("laptop", "web.service", "inactive");
});
