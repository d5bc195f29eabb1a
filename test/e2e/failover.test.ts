// Two controllers: their agents are with one of them, in any event.
import { afterAll, afterEach, expect } from "bun:test";
import { agentInterface } from "../../src/api/agent.ts";
import { agentName, rootPath } from "../../src/api/names.ts";
import { client } from "../../src/bus/client.ts";
import { walk } from "../demo/walk.ts";
import type { Host } from "../testbed/host.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Lab } from "../testbed/lab.ts";
import { Program } from "./program.ts";

const lab = await Lab.open({ installed: true });
const test = testsOn(lab);
const hosts = await lab.boot("primary", "standby", "pi");
const [primary, standby, pi] = hosts;
const programs: Program[] = [];
const addressOf = ({ name }: Host) => `tcp:host=${name},port=842`;
const keptFile = "/var/lib/bluechi-agent/controller";

afterEach(() => {
  for (const program of programs.splice(0)) program.close();
});

afterAll(() => lab.close());

async function program(...args: Parameters<typeof Program.on>): Promise<Program> {
  const made = await Program.on(...args);
  programs.push(made);
  return made;
}

async function switchTo(address: string): Promise<void> {
  const agent = client((await program(pi)).bus, agentName, rootPath, agentInterface);
  await agent.call("SwitchController", { dbus_address: address });
}

/** Waits until the pi is online at one of the controllers. */
async function comesTo(host: Host): Promise<void> {
  await host.until(`pi to be with ${host.name}`, async () =>
    (await host.sh("bluechictl status pi")).includes("| online"),
  );
}

/** When a line was logged last, as text that sorts. */
async function logged(host: Host, unit: string, what: string): Promise<string> {
  const lines = (await host.journal(unit)).split("\n").filter((line) => line.includes(what));
  return lines.at(-1)?.slice(0, "2026-11-22T22:00:00.000000".length) ?? `no ${what} on ${host.name}`;
}

test("the page about two controllers keeps its promises", async () => {
  const local = await program(pi, { listen: agentName });
  const there = await program(standby, { listen: true });
  await walk(hosts, () => undefined, {
    page: "two-controllers.md",
    events: {
      "The primary loses its power.": () => primary.kill(),
      "The primary gets its power back.": async () => {
        local.clear();
        there.clear();
        await primary.start();
      },
    },
  });
  // From the return of the power on: the failback, and the two switches by hand.
  const [home, away] = [addressOf(primary), addressOf(standby)];
  await local.hears(`ControllerAddress=${home}`, "Status=offline", "Status=online", `ControllerAddress=${away}`);
  await there.hears("node/pi Status=offline", "node/pi Status=online", "node/pi Status=offline");
  // It was offline at the one before it was online at the other.
  const left = await logged(standby, "bluechi-controller", "Node 'pi' disconnected: the agent is switched");
  const came = await logged(primary, "bluechi-controller", "Registered managed node");
  expect(left < came ? "left first" : `left ${left}, came ${came}`).toBe("left first");
});

test("a failover is told on both buses of D-Bus, in order", async () => {
  const local = await program(pi, { listen: agentName });
  const there = await program(standby, { listen: true });
  await primary.sh("systemctl stop bluechi-controller");
  await local.hears("Status=offline", `ControllerAddress=${addressOf(standby)}`, "Status=online");
  await there.hears("node/pi Status=online");
  expect(local.texts).toEqual(["Status=offline", `ControllerAddress=${addressOf(standby)}`, "Status=online"]);
  local.clear();
  await primary.sh("systemctl start bluechi-controller");
  await local.hears("Status=online");
  expect(local.texts).toEqual([`ControllerAddress=${addressOf(primary)}`, "Status=offline", "Status=online"]);
  await there.hears("node/pi Status=offline");
  const reason = "Node 'pi' disconnected: the agent goes back to a controller that it prefers";
  const left = await logged(standby, "bluechi-controller", reason);
  const came = await logged(primary, "bluechi-controller", "as 'pi'");
  expect(left < came ? "left first" : `left ${left}, came ${came}`).toBe("left first");
});

test("a file of a switch that is damaged is ignored, with a line that says so", async () => {
  await switchTo(addressOf(standby));
  await comesTo(standby);
  expect(await pi.read(keptFile)).toBe(`${addressOf(standby)}\n`);
  await pi.sh(`printf 'tcp:host=sta' >${keptFile} && systemctl restart bluechi-agent`);
  await comesTo(primary);
  expect(await pi.journal("bluechi-agent")).toContain(`is ignored, as '${keptFile}' is bad: `);
  await switchTo(addressOf(standby));
  await comesTo(standby);
  await switchTo(addressOf(primary));
  await comesTo(primary);
  expect(await pi.run(["ls", "-A", "/var/lib/bluechi-agent"])).toEqual({ status: 0, stdout: "", stderr: "" });
});

test("a name is resolved anew at each attempt", async () => {
  const move = async (from: Host, to: Host) => {
    await pi.sh(`sed 's/^.* moving$//' /etc/hosts >/tmp/hosts && echo '${to.address} moving' >>/tmp/hosts`);
    await pi.sh("cat /tmp/hosts >/etc/hosts");
    if (from !== to) await from.sh("systemctl restart bluechi-controller");
    await comesTo(to);
  };
  await move(primary, primary);
  await switchTo("tcp:host=moving,port=842");
  await comesTo(primary);
  await move(primary, standby);
  await move(standby, primary);
  await switchTo(addressOf(primary));
});
