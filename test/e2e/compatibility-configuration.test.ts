// Configuration on a host: which of several places counts, and what values become.
import { afterAll, afterEach, beforeAll, expect } from "bun:test";
import { agentInterface } from "../../src/api/agent.ts";
import { agentName, rootPath } from "../../src/api/names.ts";
import { client } from "../../src/bus/client.ts";
import { agentSettings } from "../../src/roles/agent/settings.ts";
import { controllerSettings, nodeSettings } from "../../src/roles/controller/settings.ts";
import { testsOn } from "../testbed/host-test.ts";
import type { Running } from "../testbed/running.ts";
import { Cluster } from "./cluster.ts";
import { Program } from "./program.ts";
import { tcpOptions } from "./socket-options.ts";

const cluster = await Cluster.start(["main", "pi"], { controller: "[node other]\nAllowed=yes" });
const test = testsOn(cluster.lab);
/** Where daemons are started by hand. */
const pi = cluster.host("pi");

const named = "/root/named.conf";
const quiet = { BC_LOG_TARGET: "stderr" };
const running: Running[] = [];

beforeAll(async () => {
  await pi.sh("systemctl stop bluechi-agent; rm -f /etc/bluechi/*.conf.d/test.conf");
});

afterEach(async () => {
  for (const daemon of running.splice(0)) {
    await daemon.kill();
    expect(await daemon.exited).toBe(0);
  }
  await pi.sh("rm -f /etc/bluechi/*.conf /etc/bluechi/*.conf.d/*");
});

afterAll(() => cluster.close());

/** Starts a daemon on the host, and returns when it is on the bus; a controller, when it listens, too. */
async function start(role: "controller" | "agent", args: string[] = [], env: Record<string, string> = {}) {
  const daemon = pi.spawn([`/usr/libexec/bluechi-${role}`, ...args], { ...quiet, ...env });
  running.push(daemon);
  const name = role === "agent" ? agentName : "org.eclipse.bluechi";
  await pi.until(`${name} on the bus`, async () => (await pi.run(["busctl", "status", name])).status === 0);
  // The tests read the lines from the first one on.
  if (role === "controller") await pi.until("it to listen", () => daemon.lines.join().includes("bluechi.sock..."));
  return daemon;
}

async function stop(): Promise<void> {
  for (const daemon of running.splice(0)) {
    await daemon.kill();
    await daemon.exited;
  }
}

/** A bus for another agent on the controller's host. @returns its address. */
async function secondBus(): Promise<string> {
  const socket = "/run/second-bus";
  const options = ["--nofork", "--nopidfile", "--print-address", `--address=unix:path=${socket}`];
  await cluster.main.spawn(["dbus-daemon", "--system", ...options]).line(socket);
  return `unix:path=${socket}`;
}

/** What bluechictl says of the node pi there, where the controller is started by hand, too. */
const nodeRow = async () => (await pi.sh("bluechictl status pi")).split("\n")[2] ?? "";

/** The names of the controller's nodes, in its order. */
const nodes = async () =>
  (await pi.sh("bluechictl status"))
    .trimEnd()
    .split("\n")
    .slice(2)
    .map((row) => row.split("|")[0]?.trim());

test("nodes come in the order of AllowedNodeNames, then those of sections by name", async () => {
  const text = "[node zoe]\nAllowed=True\n[node anna]\nAllowed=on\n[node no]\nAllowed=1\n";
  await pi.write(named, `[bluechi-controller]\nAllowedNodeNames= second ,first,,second,\n third,\n anna\n${text}`);
  await start("controller", ["-c", named]);
  expect(await nodes()).toEqual(["second", "first", "third", "anna", "zoe"]);
});

test("150 names, one a line", async () => {
  const names = Array.from({ length: 150 }, (_, index) => `node-${index}`);
  await pi.write("/etc/bluechi/controller.conf", `[bluechi-controller]\nAllowedNodeNames=${names.join(",\n ")}\n`);
  await start("controller");
  expect(await nodes()).toEqual(names);
});

/** The ports that are listened on. */
const ports = async () =>
  [...(await pi.sh("ss -Hltnp | grep bluechi || true")).matchAll(/\*:(\d+)/g)].map(([, port]) => Number(port));

test("a later place wins, key by key: default, file, drop-ins in their order, -c, other options", async () => {
  const place = (path: string, lines: string) => pi.write(path, `[bluechi-controller]\n${lines}\n`);
  const seen = async (...args: string[]) => {
    await start("controller", args);
    const found = { ports: await ports(), nodes: await nodes() };
    await stop();
    return found;
  };
  expect(await seen()).toEqual({ ports: [842], nodes: [] });
  await place("/etc/bluechi/controller.conf", "ControllerPort=1001\nAllowedNodeNames=a");
  expect(await seen()).toEqual({ ports: [1001], nodes: ["a"] });
  await place("/etc/bluechi/controller.conf.d/20.conf", "ControllerPort=1020");
  await place("/etc/bluechi/controller.conf.d/10.conf", "ControllerPort=1010\nAllowedNodeNames=b");
  await place("/etc/bluechi/controller.conf.d/30.txt", "ControllerPort=1030");
  expect(await seen()).toEqual({ ports: [1020], nodes: ["b"] });
  await place(named, "ControllerPort=1002");
  expect(await seen("-c", named)).toEqual({ ports: [1002], nodes: ["b"] });
  expect(await seen("--config", named, "--port=1003")).toEqual({ ports: [1003], nodes: ["b"] });
});

test("the environment is between the files and that of -c", async () => {
  const level = async () => {
    const program = await Program.on(pi);
    const found = await client(program.bus, agentName, rootPath, agentInterface).get("LogLevel");
    program.close();
    await stop();
    return found;
  };
  await pi.write("/etc/bluechi/agent.conf.d/level.conf", "[bluechi-agent]\nLogLevel=ERROR\n");
  await pi.write(named, "[bluechi-agent]\nLogLevel=DEBUG\n");
  await start("agent");
  expect(await level()).toBe("ERROR");
  await start("agent", [], { BC_LOG_LEVEL: "WARN" });
  expect(await level()).toBe("WARN");
  await start("agent", ["-c", named], { BC_LOG_LEVEL: "WARN" });
  expect(await level()).toBe("DEBUG");
});

test("keys without a value count as not set", async () => {
  const empty = (section: string, keys: object) =>
    `[${section}]\n${Object.keys(keys)
      .map((key) => `${key}=\n`)
      .join("")}RequiredSelinuxContext=\n`;
  await pi.write(named, empty("bluechi-controller", controllerSettings) + empty("node some", nodeSettings));
  await start("controller", ["-c", named]);
  expect(await ports()).toEqual([842]);
  expect(await nodes()).toEqual([]);
  await stop();
  await pi.write(named, empty("bluechi-agent", agentSettings));
  await start("agent", ["-c", named, "-H", cluster.main.name]);
  await cluster.online("pi");
});

test("an agent goes where it is sent: address before host and port, options before files", async () => {
  const there = `ControllerHost=nowhere.invalid\nControllerPort=1\nControllerAddress=tcp:host=${cluster.main.name},port=842`;
  await pi.write("/etc/bluechi/agent.conf", `[bluechi-agent]\nNodeName=nobody\n${there}\n`);
  await start("agent", ["--name", "other"]);
  await cluster.online("other");
  await stop();
  await pi.write("/etc/bluechi/agent.conf", "[bluechi-agent]\nControllerHost=nowhere.invalid\nControllerPort=1\n");
  await start("agent", ["--host", cluster.main.address, "--port", "842", "--interval=500"]);
  await cluster.online("pi");
});

for (const address of ["garbage", "tcp:host=127.0.0.1,port=80000", "tcp:host=nowhere.invalid,port=842"]) {
  test(`an agent whose controller is ${address} stays, and tries again`, async () => {
    const agent = await start("agent", ["-a", address, "-i", "100"]);
    await agent.line("Trying to connect to controller (try 2)");
    const properties = `busctl get-property ${agentName} ${rootPath} ${agentInterface.name}`;
    expect(await pi.sh(`${properties} Status ControllerAddress`)).toBe(`s "offline"\ns "${address}"\n`);
  });
}

test("an unknown name is refused by the controller, and the agent says so", async () => {
  const agent = await start("agent", ["-n", "nobody", "-H", cluster.main.name]);
  await agent.line("Registering as 'nobody' failed: Unexpected node name");
});

test("the log on stderr: time, level and text, with the configuration at first", async () => {
  const agent = await start("agent", ["-H", cluster.main.name], { BC_LOG_LEVEL: "DEBUG" });
  await agent.line("Connected to controller as 'pi'");
  const stamp = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}[+-]\d{4} (DEBUG|INFO)\t: /;
  expect(agent.lines.filter((line) => !stamp.test(line))).toEqual([]);
  const texts = agent.lines.map((line) => line.replace(stamp, ""));
  expect(texts[0]).toMatch(/^Starting bluechi-agent \d/);
  expect(texts[1]).toBe("Final configuration used:");
  expect(texts).toContain(`Connecting to controller on tcp:host=${cluster.main.name},port=842`);
  await stop();
  const silent = await start("agent", ["-H", cluster.main.name], { BC_LOG_IS_QUIET: "True" });
  await cluster.online("pi");
  expect(silent.lines).toEqual([]);
});

test("a default file that is missing is an error, others are not", async () => {
  for (const [role, file] of [
    ["controller", "/usr/share/bluechi/config/controller.conf"],
    ["agent", "/usr/share/bluechi-agent/config/agent.conf"],
  ] as const) {
    await pi.sh(`rm -rf /etc/bluechi/${role}.conf.d; mv ${file} /root/kept`);
    expect(await pi.run([`/usr/libexec/bluechi-${role}`])).toEqual({
      status: 1,
      stdout: "",
      stderr: `Error loading configuration file '${file}', error code 'No such file or directory'.\n`,
    });
    await pi.sh(`mv /root/kept ${file}`);
  }
  await start("agent", ["-H", cluster.main.name]);
  await cluster.online("pi");
});

test("what the package brings is enough on one host, but for the names; the controller's host is written in any way", async () => {
  await pi.write("/etc/bluechi/controller.conf", "[node pi]\nAllowed=true\n");
  const online = () => pi.until("pi to be online", async () => (await nodeRow()).includes("| online"));
  await start("controller");
  for (const args of [[], ["-H", "127.0.0.1"], ["-H", "::1"], ["-H", "localhost"], ["-a", "tcp:host=::1,port=842"]]) {
    await start("agent", args);
    await online();
    const agent = running.pop();
    await agent?.kill();
    expect(await agent?.exited).toBe(0);
  }
});

test("an agent that sends no heartbeats is seen when it registers only, and is not lost for that", async () => {
  await pi.write(
    "/etc/bluechi/controller.conf",
    "[bluechi-controller]\nAllowedNodeNames=pi,other\nHeartbeatInterval=100\nNodeHeartbeatThreshold=400\n",
  );
  await start("controller");
  const program = await Program.on(pi);
  const seen = async (name: string) => program.node(name).get("LastSeenTimestampMonotonic");
  await start("agent", ["-i", "0"]);
  await pi.until("pi to be online", async () => (await nodeRow()).includes("| online"));
  const registered = await seen("pi");
  const beating = cluster.main.spawn(["/usr/libexec/bluechi-agent", "-n", "other", "-H", pi.name, "-i", "100"], {
    DBUS_SYSTEM_BUS_ADDRESS: await secondBus(),
  });
  const first = await pi.until("the other to register", async () => (await seen("other")) || undefined);
  // Longer than the threshold.
  await pi.until("the other's heartbeats", async () => (await seen("other")) > first + 1_000_000n);
  expect(await seen("pi")).toBe(registered);
  expect(await nodeRow()).toContain("| online");
  await beating.kill();
  await beating.exited;
  program.close();
});

test("a controller says where it waits, and when it sends no heartbeats", async () => {
  await pi.write(named, "[bluechi-controller]\nHeartbeatInterval=0\nControllerPort=8420\n");
  const controller = await start("controller", ["-c", named]);
  for (const text of [
    "WARN\t: Heartbeat disabled since configured interval '0' is <=0",
    "INFO\t: Waiting for connection requests on port 8420...",
    "INFO\t: Waiting for connection requests on socket /run/bluechi/bluechi.sock...",
  ]) {
    expect(await controller.line(text)).toEndWith(text);
  }
});

test("keepalive and the receiving of errors are options of the connection", async () => {
  const options = async () => {
    await cluster.online("pi");
    const found = await tcpOptions(pi, "/usr/libexec/bluechi-agent");
    await stop();
    return found;
  };
  await start("agent", ["-H", cluster.main.address]);
  expect(await options()).toEqual(["keepalive 1 3 1 6 timeout 7000 thin 1 errors 1"]);
  const lines = "TCPKeepAliveTime=77\nTCPKeepAliveInterval=7\nTCPKeepAliveCount=3\nIPReceiveErrors=false\n";
  await pi.write(named, `[bluechi-agent]\n${lines}`);
  await start("agent", ["-H", cluster.main.address, "-c", named]);
  expect(await options()).toEqual(["keepalive 1 77 7 3 timeout 98000 thin 1 errors 0"]);
});

test("an agent in vain becomes quiet after ConnectionRetryCountUntilQuiet attempts", async () => {
  await pi.write(named, "[bluechi-agent]\nConnectionRetryCountUntilQuiet=2\nHeartbeatInterval=50\n");
  const agent = await start("agent", ["-a", "garbage", "-c", named]);
  await agent.line("Quieting down logs after connection retry failed 2x...");
});

test("ControllerHeartbeatThreshold is what an agent bears", async () => {
  await pi.write(named, "[bluechi-agent]\nHeartbeatInterval=100\nControllerHeartbeatThreshold=300\n");
  const agent = await start("agent", ["-H", cluster.main.name, "-c", named]);
  await agent.line(/Did not receive heartbeat from controller since '3\d\d'ms/);
});
