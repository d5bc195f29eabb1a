// The daemons' lives: they start, stop, lose what they stand on, and serve again.
import { afterAll, afterEach, expect } from "bun:test";
import { agentInterface } from "../../src/api/agent.ts";
import { agentName, controllerName, rootPath } from "../../src/api/names.ts";
import { client } from "../../src/bus/client.ts";
import type { Host } from "../testbed/host.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";
import { Program, refusal } from "./program.ts";

const cluster = await Cluster.start(["main", "pi"], { controller: "[node person]\nAllowed=true" });
const test = testsOn(cluster.lab);
const { main } = cluster;
const pi = cluster.host("pi");
const programs: Program[] = [];

afterEach(() => {
  for (const program of programs.splice(0)) program.close();
});

afterAll(() => cluster.close());

async function program(...args: Parameters<typeof Program.on>): Promise<Program> {
  const made = await Program.on(...args);
  programs.push(made);
  return made;
}

const agentOf = (made: Program) => client(made.bus, agentName, rootPath, agentInterface);
const pidOf = (host: Host, unit: string) => host.sh(`systemctl show -P MainPID ${unit}`);
const statusOf = async (node: string) => (await cluster.ctl("status", node)).stdout;

async function bothOnline(): Promise<void> {
  for (const name of ["main", "pi"]) await cluster.online(name);
}

test("an agent's start returns when the node is online", async () => {
  for (let round = 0; round < 3; round++) {
    await pi.sh("systemctl restart bluechi-agent");
    expect(await statusOf("pi")).toContain("| online");
  }
  await main.sh("systemctl stop bluechi-agent bluechi-controller && systemctl start bluechi-controller bluechi-agent");
  expect(await statusOf("main")).toContain("| online");
  await cluster.online("pi");
});

test("an agent whose controller is away is active all the same, and joins when it comes", async () => {
  await main.sh("systemctl stop bluechi-controller");
  await pi.sh("systemctl restart bluechi-agent");
  const status = `busctl get-property ${agentName} ${rootPath} ${agentName} Status`;
  expect(await pi.sh(`systemctl is-active bluechi-agent && ${status}`)).toBe('active\ns "offline"\n');
  await main.sh("systemctl start bluechi-controller");
  await bothOnline();
  expect(await pi.sh(status)).toBe('s "online"\n');
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal} ends both daemons with 0`, async () => {
    await main.sh("systemctl stop bluechi-agent bluechi-controller");
    expect((await cluster.ctl("status")).stderr).toBe(
      "Failed to list nodes: The name is not activatable: bluechi-controller does not run on this host\n",
    );
    const env = { BC_LOG_TARGET: "stderr" };
    const controller = main.spawn(["/usr/libexec/bluechi-controller"], env);
    await controller.line("Waiting for connection requests on socket");
    const agent = main.spawn(["/usr/libexec/bluechi-agent"], env);
    await bothOnline();
    for (const daemon of [agent, controller]) {
      await daemon.kill(signal);
      expect(await daemon.exited).toBe(0);
      expect(daemon.lines.at(-1)).toEndWith(`Stopping because of ${signal}`);
    }
    await main.sh("systemctl start bluechi-controller bluechi-agent && systemctl stop bluechi-agent");
    expect(await cluster.state("main", "bluechi-agent.service")).toBe("inactive");
    await main.sh("systemctl start bluechi-agent");
    await bothOnline();
  });
}

test("the bus restarts under both daemons: they serve again, and no node was ever offline", async () => {
  const pids = () => Promise.all(["bluechi-controller", "bluechi-agent"].map((unit) => pidOf(main, unit)));
  const before = await pids();
  const old = await program(main);
  const { path, monitor } = await old.monitor();
  await monitor.call("Subscribe", { node: "*", unit: "*" });
  const offline = async () => (await main.journal("bluechi-controller")).match(/Node '\w+' disconnected/g)?.length ?? 0;
  const offlineBefore = await offline();
  for (let round = 0; round < 2; round++) {
    await main.sh("systemctl restart dbus.service");
    for (const name of [controllerName, agentName]) {
      await main.until(`${name} to be back`, async () => (await main.run(["busctl", "status", name])).status === 0);
    }
  }
  await bothOnline();
  expect((await cluster.ctl("daemon-reload", "main")).status).toBe(0);
  expect(await pids()).toEqual(before);
  expect(await offline()).toBe(offlineBefore);
  const fresh = await program(main);
  expect(await refusal(fresh.call(controllerName, path, "org.eclipse.bluechi.Monitor.Close"))).toContain(
    "UnknownObject",
  );
  expect(await agentOf(fresh).get("Status")).toBe("online");
  const again = await fresh.monitor();
  await again.monitor.call("Subscribe", { node: "pi", unit: "dbus.service" });
  await fresh.hears(/UnitStateChanged pi dbus.service active running virtual$/);
});

test("systemd executes itself again under the agent: jobs and subscriptions go on", async () => {
  await cluster.service("pi", "slow.service", "Type=oneshot\nExecStart=sleep infinity\nTimeoutStartSec=infinity");
  await cluster.service("pi", "quick.service", "ExecStart=sleep infinity");
  const pid = await pidOf(pi, "bluechi-agent");
  const watching = await program(main, { listen: true });
  const { monitor } = await watching.monitor();
  await monitor.call("Subscribe", { node: "pi", unit: "quick.service" });
  await watching.node("pi").call("StartUnit", { name: "slow.service", mode: "replace" });
  await watching.hears(/State=running$/);
  await pi.sh("systemctl daemon-reexec");
  await watching.hears("node/pi Status=offline", "node/pi Status=online");
  expect((await cluster.ctl("start", "pi", "quick.service")).status).toBe(0);
  await watching.hears(/UnitStateChanged pi quick.service active running (real|virtual)$/);
  expect(await pidOf(pi, "bluechi-agent")).toBe(pid);
  await pi.sh("systemctl stop slow.service quick.service");
  await watching.hears(/^JobRemoved \d+ \S+ pi slow.service canceled$/);
  expect(watching.all(/^JobRemoved .* slow.service/).length).toBe(1);
});

test("the controller is started by its socket when an agent comes, and again after it was stopped", async () => {
  const dropIn = "/etc/bluechi/agent.conf.d/zz-socket.conf";
  await main.write(dropIn, "[bluechi-agent]\nControllerAddress=unix:path=/run/bluechi/bluechi.sock\n");
  await main.sh("systemctl stop bluechi-agent bluechi-controller && systemctl start bluechi-controller.socket");
  expect(await main.sh("stat -c '%a %U' /run/bluechi/bluechi.sock /run/bluechi")).toBe("600 root\n711 bluechi\n");
  expect(await cluster.state("main", "bluechi-controller.service")).toBe("inactive");
  await main.sh("systemctl start bluechi-agent");
  await bothOnline();
  const [, , row] = (await statusOf("main")).split("\n");
  expect(row?.split("|")[2]?.trim()).toBe("");
  expect(await main.journal("bluechi-controller")).toContain("on the inherited socket 3");
  await main.run(["systemctl", "stop", "bluechi-controller"]);
  await bothOnline();
  expect(await main.journal("bluechi-controller")).not.toContain("The inherited socket");
  await main.sh("systemctl stop bluechi-agent bluechi-controller.socket bluechi-controller");
  expect(await main.sh("ls /run/bluechi")).toBe("");
  await main.sh(`rm ${dropIn} && systemctl start bluechi-controller bluechi-agent`);
  await bothOnline();
});

test("a socket without TLS that is passed on is warned of when other hosts reach it", async () => {
  const unit = "/run/systemd/system/bluechi-controller.socket.d/tcp.conf";
  const noPort = "/etc/bluechi/controller.conf.d/zz-port.conf";
  await main.sh("systemctl stop bluechi-agent bluechi-controller");
  await main.write(unit, "[Socket]\nListenStream=127.0.0.1:8420\nListenStream=842\n");
  await main.write(noPort, "[bluechi-controller]\nUseTCP=no\n");
  await main.sh("systemctl daemon-reload; systemctl start bluechi-controller.socket bluechi-controller bluechi-agent");
  await bothOnline();
  const said = (await main.journal("bluechi-controller")).split("\n").filter((line) => line.includes("is without TLS"));
  expect(said.filter((line) => line.includes("The inherited socket"))).toEqual([
    expect.stringContaining("The inherited socket 5 is without TLS: from hosts beyond this one anybody who reaches it"),
  ]);
  expect((await cluster.ctl("status")).stderr).toContain("Links without TLS are allowed");
  await main.sh("systemctl stop bluechi-agent bluechi-controller.socket bluechi-controller");
  await main.sh(`rm ${unit} ${noPort}; systemctl daemon-reload; systemctl start bluechi-controller bluechi-agent`);
  await bothOnline();
});

test("an agent is switched to another address, and tells so in order", async () => {
  const watching = await program(pi, { listen: agentName });
  const call = (address: string) =>
    pi.run(["busctl", "call", agentName, rootPath, agentName, "SwitchController", "s", address]);
  const home = "tcp:host=main,port=842";
  const same = await call(home);
  expect({ status: same.status, stderr: same.stderr }).toEqual({
    status: 1,
    stderr: "Call failed: Failed to switch controller because already connected to the controller\n",
  });
  const other = `tcp:host=${main.address},port=842`;
  expect((await call(other)).status).toBe(0);
  await watching.hears(`ControllerAddress=${other}`, "Status=offline", "Status=online");
  expect(watching.texts.length).toBe(3);
  expect(await agentOf(watching).get("DisconnectTimestamp")).toBe(0n);
  watching.clear();
  expect((await call("nonsense")).status).toBe(0);
  await watching.hears("ControllerAddress=nonsense", "Status=offline");
  await cluster.offline("pi");
  expect(await agentOf(watching).get("ControllerAddress")).toBe("nonsense");
  expect(await agentOf(watching).get("DisconnectTimestamp")).toBeGreaterThan(0n);
  expect((await call(home)).status).toBe(0);
  await watching.hears(`ControllerAddress=${home}`, "Status=online");
  await cluster.online("pi");
});

test("log levels are set from afar, and nonsense is refused", async () => {
  const [watching, local] = [await program(main), await program(pi)];
  for (const level of ["ERROR", "DEBUG"] as const) {
    expect(await cluster.ctl("set-loglevel", "pi", level)).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(await agentOf(local).get("LogLevel")).toBe(level);
    expect(await cluster.ctl("set-loglevel", level)).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(await watching.controller.get("LogLevel")).toBe(level);
  }
  expect(await cluster.ctl("set-loglevel", "LOUD")).toEqual({
    status: 1,
    stdout: "",
    stderr: "Failed to issue method call: Invalid input for log level\n",
  });
  expect((await cluster.ctl("set-loglevel", "pi", "LOUD")).status).toBe(1);
  await watching.node("pi").call("SetLogLevel", { level: "LOUD" });
  expect(await agentOf(local).get("LogLevel")).toBe("DEBUG");
});

test("an agent of a user manages the user's units", async () => {
  const command = "ExecStart=\nExecStart=/usr/libexec/bluechi-agent --user -n person -a tcp:host=main,port=842";
  await pi.write("/etc/systemd/user/bluechi-agent.service.d/test.conf", `[Service]\n${command}\n`);
  await pi.write("/etc/systemd/user/own.service", "[Service]\nExecStart=sleep infinity\n");
  await pi.sh("systemctl start user@0.service");
  const env = { XDG_RUNTIME_DIR: "/run/user/0" };
  await pi.sh("systemctl --user start bluechi-agent", { env });
  expect(await statusOf("person")).toContain("| online");
  await cluster.online("pi");
  expect(await cluster.ctl("start", "person", "own.service")).toEqual({
    status: 0,
    stdout: "Unit own.service StartUnit operation result: done\n",
    stderr: "",
  });
  expect(await pi.sh("systemctl --user is-active own.service", { env })).toBe("active\n");
  expect(await cluster.state("pi", "own.service")).toBe("inactive");
  await pi.sh("systemctl --user stop bluechi-agent", { env });
  await cluster.offline("person");
});

test("bluechi-is-online waits, and watches", async () => {
  const watching = await program(pi, { listen: agentName });
  expect((await main.run(["bluechi-is-online", "node", "pi"])).status).toBe(0);
  const monitor = main.spawn(["bluechi-is-online", "node", "pi", "--monitor"]);
  const agent = pi.spawn(["bluechi-is-online", "agent", "--monitor"]);
  await pi.sh("systemctl stop bluechi-agent");
  expect(await monitor.line(/./)).toBe("org.eclipse.bluechi is offline");
  expect(await agent.line(/./)).toBe("org.eclipse.bluechi.Agent is offline");
  expect(await Promise.all([monitor.exited, agent.exited])).toEqual([1, 1]);
  const waiting = main.spawn(["bluechi-is-online", "node", "pi", "--wait", "20000"]);
  await pi.sh("systemctl start bluechi-agent");
  expect(await waiting.exited).toBe(0);
  await watching.hears("Status=online");
  expect(watching.all(/^Status=/)).toEqual(["Status=offline", "Status=online"]);
});
