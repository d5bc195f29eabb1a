// A target's host that loses its power: what OnTargetLost= decides for those that depend on it.
import { afterAll, expect } from "bun:test";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";
import { reload } from "./reloading.ts";

/** How long a target may be away: longer than any test takes; and shorter than it is, once it is to be lost. */
const [patientMs, lostMs] = [600_000, 1000];
const cluster = await Cluster.start(["laptop", "tablet", "pi"], {
  controller: [
    `HeartbeatInterval=500\nNodeHeartbeatThreshold=2000\nTargetLostTimeout=${patientMs}`,
    "[node laptop]\nAllowDependenciesOn=pi\nOnTargetLost=stop",
    "[node tablet]\nAllowDependenciesOn=pi",
  ].join("\n"),
});
const test = testsOn(cluster.lab);
const pi = cluster.host("pi");
const proxy = "bluechi-proxy@pi_cdn.service";
const sources = ["laptop", "tablet"] as const;

afterAll(() => cluster.close());

const states = () =>
  Promise.all(sources.flatMap((host) => [proxy, "web.service"].map((unit) => cluster.state(host, unit))));

test("the one stops its proxy and what is bound to it, the other keeps both, and finds its target again", async () => {
  await cluster.service("pi", "cdn.service", "ExecStart=sleep infinity");
  for (const host of sources) {
    const unit = `[Unit]\nBindsTo=${proxy}\nAfter=${proxy}\n[Service]\nExecStart=sleep infinity`;
    await cluster.service(host, "web.service", unit);
    await cluster.host(host).sh("systemctl start web.service");
  }
  await pi.sh("systemctl enable bluechi-agent");

  await pi.kill();
  await cluster.offline("pi");
  expect(await states()).toEqual(["active", "active", "active", "active"]);
  const dropIn = "/etc/bluechi/controller.conf.d/zz-lost.conf";
  await cluster.main.write(dropIn, `[bluechi-controller]\nTargetLostTimeout=${lostMs}\n`);
  await reload(cluster.main, "controller");
  await cluster.reaches("laptop", proxy, "inactive");
  await cluster.reaches("laptop", "web.service", "inactive");
  await cluster
    .host("laptop")
    .logged(
      "bluechi-agent",
      `Stopping proxy '${proxy}': unit 'cdn.service' on node 'pi': the node has been away for ${lostMs} ms`,
    );
  expect((await states()).slice(2)).toEqual(["active", "active"]);
  await cluster.main.sh(`rm ${dropIn}`);
  await reload(cluster.main, "controller");

  await pi.start();
  await cluster.online("pi");
  await cluster.reaches("pi", "cdn.service", "active");
  await cluster.host("laptop").sh("systemctl start web.service");
  expect(await states()).toEqual(["active", "active", "active", "active"]);
});

test("one that is back in time changes nothing", async () => {
  const entered = () =>
    Promise.all(
      sources.map((host) => cluster.host(host).sh(`systemctl show -P ActiveEnterTimestampMonotonic ${proxy}`)),
    );
  const before = await entered();
  await pi.sh("systemctl restart bluechi-agent");
  await cluster.online("pi");
  expect(await entered()).toEqual(before);
  expect(await states()).toEqual(["active", "active", "active", "active"]);
});
