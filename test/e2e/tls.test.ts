// The link with TLS, on real hosts: who gets in, who does not, and what travels.
import { afterAll, expect } from "bun:test";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";

const cluster = await Cluster.start(["main", "pi"]);
const test = testsOn(cluster.lab);
const pi = cluster.host("pi");

afterAll(() => cluster.close());

test("an agent with Security=tls connects to no plain port", async () => {
  await pi.write(
    "/etc/bluechi/agent.conf.d/zz.conf",
    "[bluechi-agent]\nSecurity=tls\nControllerAddress=tcp:host=main,port=842\n",
  );
  await pi.sh("systemctl reload bluechi-agent");
  await cluster.offline("pi");
  await pi.until("the agent to say why", async () =>
    (await pi.journal("bluechi-agent")).includes("it is without TLS, and this agent takes TLS only (Security=)"),
  );
  expect((await cluster.ctl("daemon-reload", "pi")).status).toBe(1);
  await pi.sh("rm /etc/bluechi/agent.conf.d/zz.conf && systemctl reload bluechi-agent");
  await cluster.online("pi");
});
