// A node that has to have an SELinux context; these hosts have no SELinux, so no agent can show one.
import { afterAll } from "bun:test";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";

const cluster = await Cluster.start(["main"], {
  controller: "[node strict]\nAllowed=true\nRequiredSelinuxContext=system_u:system_r:bluechi_agent_t:s0",
});
const test = testsOn(cluster.lab);

afterAll(() => cluster.close());

test("a node whose SELinux context cannot be checked is refused, and both sides say so", async () => {
  await cluster.main.sh("systemctl stop bluechi-agent");
  const argv = ["/usr/libexec/bluechi-agent", "-n", "strict", "-a", "unix:path=/run/bluechi/bluechi.sock"];
  const agent = cluster.main.spawn(argv, { BC_LOG_TARGET: "stderr" });
  await agent.line("Registering as 'strict' failed: Wrong SELinux context");
  await agent.kill();
  await cluster.main.logged(
    "bluechi-controller",
    "Agent may not register as 'strict': its SELinux context is not known, 'system_u:system_r:bluechi_agent_t:s0' is required",
  );
});
