// bluechi-is-online against real daemons: what is online, waited for, and watched.
import { afterAll, expect } from "bun:test";
import { agentName, rootPath } from "../../src/api/names.ts";
import type { Host } from "../testbed/host.ts";
import { testsOn } from "../testbed/host-test.ts";
import type { Running } from "../testbed/running.ts";
import { patienceMs } from "../testbed/until.ts";
import { Cluster } from "./cluster.ts";

const cluster = await Cluster.start(["main", "pi"]);
const test = testsOn(cluster.lab);
const { main } = cluster;
const pi = cluster.host("pi");

afterAll(() => cluster.close());

const waitMs = 300;
const longMs = 2 * patienceMs;

/** What is asked where, and what is said when it is offline. */
const targets: { line: string; host: Host; message: string }[] = [
  { line: "agent", host: pi, message: "org.eclipse.bluechi.Agent is offline" },
  { line: "node pi", host: main, message: "org.eclipse.bluechi is offline" },
  { line: "system", host: main, message: "org.eclipse.bluechi is offline" },
];

const stopAgent = () => pi.sh("systemctl stop bluechi-agent");

async function startAgent(): Promise<void> {
  await pi.sh("systemctl start bluechi-agent");
  await cluster.online("pi");
}

const command = (line: string) => ["bluechi-is-online", ...line.split(" ")];

/** Starts programs that watch, and returns when each has asked for the state: from then on it misses nothing. */
async function watching(host: Host, ...lines: string[]): Promise<Running[]> {
  const bus = host.spawn(["dbus-monitor", "--system", "--profile", "member='Get',arg1='Status'"]);
  await bus.line("NameLost");
  const programs = lines.map((line) => host.spawn(command(line)));
  for (const _ of programs) await bus.line(/\tGet$/);
  await bus.close();
  return programs;
}

for (const { line, host, message } of targets) {
  test(`${line}, while it is online, and until it is not`, async () => {
    for (const option of ["", ` --wait ${longMs}`, ` --switch-timeout=${longMs}`]) {
      expect(await host.run(command(line + option))).toEqual({ status: 0, stdout: "", stderr: "" });
    }
    const monitors = await watching(host, `${line} --monitor`, `${line} --monitor --wait=${longMs}`);
    await stopAgent();
    for (const monitor of monitors) {
      expect(await monitor.line(/./)).toBe(message);
      expect(await monitor.exited).toBe(1);
    }
    await startAgent();
  });

  test(`${line}, while it is offline, and until it is not`, async () => {
    await stopAgent();
    await cluster.offline("pi");
    for (const option of ["", " --monitor", ` --wait ${waitMs}`, ` --wait ${waitMs} --monitor`]) {
      const begun = performance.now();
      expect(await host.run(command(line + option))).toEqual({ status: 1, stdout: "", stderr: `${message}\n` });
      if (option.includes("wait")) expect(performance.now() - begun).toBeGreaterThan(waitMs);
    }
    const waiting = host.spawn(command(`${line} --wait ${longMs}`));
    const both = host.spawn(command(`${line} --wait ${longMs} --monitor`));
    await startAgent();
    expect(await waiting.exited).toBe(0);
    expect(waiting.lines).toEqual([]);
    expect(both.lines).toEqual([]);
    await both.kill("SIGINT");
    await both.exited;
  });
}

test("--switch-timeout lets the agent go to another controller", async () => {
  const [strict, patient] = await watching(pi, "agent --monitor", `agent --monitor --switch-timeout ${longMs}`);
  const to = (address: string) =>
    pi.sh(`busctl call ${agentName} ${rootPath} ${agentName} SwitchController s ${address}`);
  await to(`tcp:host=${main.address},port=842`);
  expect(await strict?.line(/./)).toBe("org.eclipse.bluechi.Agent is offline");
  await cluster.online("pi");
  expect(patient?.lines).toEqual([]);
  await stopAgent();
  await patient?.kill("SIGINT");
  await startAgent();
});
