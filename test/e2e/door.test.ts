// The controller's door and its TCP connections: what strangers do there disturbs nobody, and what is dead is found.
import { afterAll, expect } from "bun:test";
import { join } from "node:path";
import { Daemon } from "../bench/process.ts";
import type { Host } from "../testbed/host.ts";
import { testsOn } from "../testbed/host-test.ts";
import type { Running } from "../testbed/running.ts";
import { patienceMs } from "../testbed/until.ts";
import { Cluster } from "./cluster.ts";
import { Program } from "./program.ts";
import { tcpOptions } from "./socket-options.ts";

const honest = ["main", "pi", "cam"];
const fleetSize = 1000;
const fleetNodes = Array.from({ length: fleetSize }, (_, index) => `[node fleet${index}]\nAllowed=yes`);
// Without heartbeats only the options of the connection find a dead one.
const cluster = await Cluster.start(honest, {
  controller: `HeartbeatInterval=0
TCPKeepAliveTime=2
TCPKeepAliveInterval=1
TCPKeepAliveCount=2
${fleetNodes.join("\n")}
`,
  agent: "HeartbeatInterval=0\nTCPKeepAliveInterval=2\nTCPKeepAliveCount=4\nIPReceiveErrors=no\n",
});
const test = testsOn(cluster.lab);
const { main } = cluster;
const [pi, cam] = [cluster.host("pi"), cluster.host("cam")];
const controller = new Daemon(main, "bluechi-controller");

afterAll(() => cluster.close());

const controllerLog = () => main.journal("bluechi-controller");

/** Agents of the nodes fleet0, fleet1, ... in one process on a host. */
const fleetOn = (host: Host, size: number): Running =>
  host.spawn([process.execPath, join(import.meta.dir, "../bench/fleet.ts"), main.address, "fleet", `${size}`]);

/** An agent of another address than the strangers' is let in while they come. */
async function letIn(): Promise<void> {
  const fleet = fleetOn(pi, 10);
  await fleet.line(/^all online/);
  await end(fleet);
}

async function end(running: Running): Promise<void> {
  await running.kill();
  await running.exited;
}

/** Far above what an answer takes on a busy machine, far below what strangers take. */
const soonMs = 8000;

/** Runs work while the honest nodes are asked all the time: they answer, soon, and their agents stay connected. */
async function undisturbed(work: () => Promise<void>): Promise<void> {
  const program = await Program.on(main, { listen: true });
  let worst = 0;
  let done = false;
  const asking = honest.map(async (name) => {
    const { call } = program.node(name);
    while (!done) {
      const sinceMs = performance.now();
      await call("GetUnitProperty", {
        name: "dbus.service",
        interface: "org.freedesktop.systemd1.Unit",
        property: "Id",
      });
      worst = Math.max(worst, performance.now() - sinceMs);
    }
  });
  try {
    await work();
  } finally {
    done = true;
    await Promise.all(asking);
  }
  expect(worst).toBeLessThan(soonMs);
  expect(program.texts.filter((text) => honest.some((name) => text.startsWith(`node/${name} `)))).toEqual([]);
  program.close();
}

test("a connection has the options that are configured, on both sides, over IPv4 and IPv6", async () => {
  const ofController = "keepalive 1 2 1 2 timeout 4000 thin 1 errors 1 1";
  expect(await tcpOptions(main, "/usr/libexec/bluechi-controller")).toEqual([ofController, ofController, ofController]);
  expect(await tcpOptions(pi, "/usr/libexec/bluechi-agent")).toEqual([
    "keepalive 1 1 2 4 timeout 9000 thin 1 errors 0",
  ]);
  await main.write("/etc/bluechi/agent.conf.d/zz.conf", "[bluechi-agent]\nControllerHost=::1\nIPReceiveErrors=yes\n");
  await main.sh("systemctl restart bluechi-agent");
  await cluster.online("main");
  expect(await tcpOptions(main, "/usr/libexec/bluechi-agent")).toEqual([
    "keepalive 1 1 2 4 timeout 9000 thin 1 errors 1 1",
  ]);
  expect(await tcpOptions(main, "/usr/libexec/bluechi-controller")).toEqual([ofController, ofController, ofController]);
});

test("a link that is dead is found though bytes are on their way, without heartbeats", async () => {
  const program = await Program.on(main, { listen: true });
  await pi.cut();
  // What is sent now is never acknowledged; keepalive probes only what is idle.
  const asked = program
    .node("pi")
    .call("GetUnitProperty", { name: "a", interface: "b", property: "c" })
    .catch(() => {});
  await program.hears("node/pi Status=offline");
  await asked;
  expect(await controllerLog()).toContain("Node 'pi' disconnected: connection lost: connection timed out");
  await pi.mend();
  await cluster.online("pi");
  program.close();
});

const python = `
import os, socket, time
def connect(): return socket.create_connection(("main", 842))
def text(words): return bytes([len(words)]) + words
def hello(node):
    payload = text(b"bluechi") + bytes([1, 0]) + text(node) + text(b"1.0-") + bytes([0])
    return bytes([len(payload), 0, 0, 0]) + payload
def send(peer, words):
    try: peer.sendall(words)
    except OSError: pass
def thrown_out(*peers):
    for peer in peers:
        peer.settimeout(60)
        try:
            while peer.recv(65536): pass
        except ConnectionError: pass
        peer.close()
def one(words):
    peer = connect()
    send(peer, words)
    return peer
`;

const hostile = `${python}
for _ in range(50): thrown_out(one(os.urandom(4096)), one(b"\\xff" * 100), one(b"GET / HTTP/1.1\\r\\n\\r\\n"))
thrown_out(one(bytes([255, 255, 255, 0])))
print("garbage", flush=True)
for _ in range(20): thrown_out(one(hello(b"fleet0") + bytes([0, 0, 0, 0]) + os.urandom(100)))
thrown_out(*[one(hello(b"nobody")) for _ in range(200)])
for _ in range(20): one(hello(b"fleet1") + bytes([255, 255, 255, 0x40]) + os.urandom(1 << 20))
print("greeted", flush=True)
endless, slow = one(bytes([0, 16, 0, 0])), connect()
silent = [one(hello(b"fleet2")[:count % 20]) for count in range(1500)]
until = time.monotonic() + 20
open_ones, letters = [endless, slow], hello(b"fleet2")
while open_ones and time.monotonic() < until:
    send(endless, bytes(200))
    send(slow, letters[:1])
    letters = letters[1:] or b"x"
    time.sleep(0.4)
    for peer in list(open_ones):
        peer.setblocking(False)
        try: gone = not peer.recv(100)
        except BlockingIOError: gone = False
        except ConnectionError: gone = True
        if gone: open_ones.remove(peer)
print("still there:", len(open_ones), flush=True)
thrown_out(*silent)
print("thrown out", flush=True)
`;

test("strangers with garbage, huge frames, half a hello, slowly or in silence disturb nobody and do not stay", async () => {
  const before = { files: await controller.files(), lines: (await controllerLog()).split("\n").length };
  await undisturbed(async () => {
    const peer = cam.spawn(["/usr/bin/python3", "-c", hostile]);
    await peer.line("garbage");
    await peer.line("greeted");
    await letIn();
    expect(await peer.line(/^still there/)).toBe("still there: 0");
    await peer.line("thrown out");
    expect(await peer.exited).toBe(0);
  });
  await main.until("the connections to be gone", async () => (await controller.files()) <= before.files);
  // Of two thousand connections only those that were admitted have lines of their own.
  expect((await controllerLog()).split("\n").length - before.lines).toBeLessThan(300);
});

const cycles = 10_000;
const coming = `${python}
greeting = hello(b"fleet3")
for count in range(${cycles}): one(greeting[:count % 20] if count % 2 else b"").close()
print("done", flush=True)
`;

test("whoever comes and goes, in the middle of the hello or before, leaves nothing behind", async () => {
  const files = await controller.files();
  await undisturbed(async () => {
    const peer = cam.spawn(["/usr/bin/python3", "-c", coming]);
    await letIn();
    await peer.line("done", 2 * patienceMs);
  });
  await main.until("the connections to be gone", async () => (await controller.files()) <= files);
});

test("when the controller returns, so do very many agents at once", async () => {
  const fleet = fleetOn(cam, fleetSize);
  await fleet.line(/^all online/);
  await main.sh("systemctl restart bluechi-controller");
  // What was only counted before is told at the end.
  expect(await controllerLog()).toMatch(/refused: [^\n]* \(the last of \d{4,} more\)/);
  await fleet.line(/^all online/);
  // They all find a place at once, and none is taken for silent while it waits for its turn.
  expect(await main.sh("ss -Hltn 'sport = :842'")).toMatch(/^LISTEN +\d+ +4096 /);
  const log = (await controllerLog()).split("Starting bluechi-controller").at(-1);
  expect(log).not.toMatch(/fleet\d+' disconnected|refused: .*hello/);
  for (const name of honest) await cluster.online(name);
  await end(fleet);
});

test("connections beyond the descriptors are refused, which is said once, and others are taken again later", async () => {
  await main.write("/etc/systemd/system/bluechi-controller.service.d/few.conf", "[Service]\nLimitNOFILE=114\n");
  await main.sh("systemctl daemon-reload; systemctl restart bluechi-controller");
  for (const name of honest) await cluster.online(name);
  // 50 places for the network, of which the honest have three.
  const room = 47;
  const fleet = fleetOn(cam, room + 20);
  await undisturbed(async () => {
    await fleet.line(`${room} online`);
    expect(fleet.lines.filter((line) => line.startsWith("all"))).toEqual([]);
  });
  const [cpuUs, sinceMs] = [await controller.cpuUs(), performance.now()];
  // Nothing tells that it does not try in vain all the time, which would take all of a processor.
  await Bun.sleep(1000);
  const share = ((await controller.cpuUs()) - cpuUs) / 1000 / (performance.now() - sinceMs);
  expect(share).toBeLessThan(0.7);
  const told = (await controllerLog()).match(/There is no room for more than 50 connections; see LimitNOFILE=/g);
  expect(told?.length).toBe(1);
  // The agent of the controller's own host finds a place, by the socket that only the host has.
  await main.write(
    "/etc/bluechi/agent.conf.d/zz.conf",
    "[bluechi-agent]\nControllerAddress=unix:path=/run/bluechi/bluechi.sock\n",
  );
  await main.sh("systemctl restart bluechi-agent");
  await cluster.online("main");
  await end(fleet);
  const next = fleetOn(cam, 20);
  await next.line(/^all online/);
  await end(next);
});
