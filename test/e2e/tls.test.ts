// The link with TLS, on real hosts: who gets in, who does not, and what travels.
import { afterAll, expect } from "bun:test";
import { agentName, rootPath } from "../../src/api/names.ts";
import { ErrorName } from "../../src/base/failure.ts";
import type { Host } from "../testbed/host.ts";
import { testsOn } from "../testbed/host-test.ts";
import { patienceMs } from "../testbed/until.ts";
import { Certificates, cluster as clusterName, type Pair } from "./certificates.ts";
import { Cluster } from "./cluster.ts";
import { hurry, losses, survive } from "./losses.ts";
import { Program } from "./program.ts";
import { reload } from "./reloading.ts";
import { tcpOptions } from "./socket-options.ts";

const names = ["main", "pi", "cam"];
const certificates = await Certificates.make(names);
const foreign = await Certificates.make(names);
const cluster = await Cluster.start(names, {
  certificates,
  controller:
    "[node main]\nAllowDependenciesOn=pi\n[node guest]\nAllowed=yes\n[node strict]\nAllowed=yes\nRequireTLS=yes",
});
const test = testsOn(cluster.lab);
const { main } = cluster;
const [pi, cam] = [cluster.host("pi"), cluster.host("cam")];

afterAll(() => cluster.close());

const dropIn = "/etc/bluechi/agent.conf.d/zz.conf";

/** Waits until a daemon has logged something that it had not before. */
async function logged(host: Host, unit: string, words: string, work: () => Promise<unknown>): Promise<void> {
  const before = (await host.journal(unit)).length;
  await work();
  await host.until(`${unit} to log '${words}'`, async () => (await host.journal(unit)).slice(before).includes(words));
}

/** Runs work while an agent has other settings, or another identity. */
async function changed(host: Host, settings: string, pair: Pair | undefined, work: () => Promise<void>): Promise<void> {
  await host.write(dropIn, `[bluechi-agent]\n${settings}\n`);
  if (pair) await certificates.toAgent(host, pair);
  await host.sh("systemctl restart bluechi-agent");
  try {
    await work();
  } finally {
    await host.sh(`rm ${dropIn}`);
    await certificates.toAgent(host);
    await host.sh("systemctl restart bluechi-agent");
    await cluster.online(host.name);
  }
}

/** Has the controller with other settings for a time. */
async function controlled(settings: string, work: () => Promise<void>): Promise<void> {
  const file = "/etc/bluechi/controller.conf.d/zz.conf";
  await main.write(file, `[bluechi-controller]\n${settings}\n`);
  await reload(main, "controller");
  try {
    await work();
  } finally {
    await main.sh(`rm ${file}`);
    await reload(main, "controller");
    for (const name of names) await cluster.online(name);
  }
}

const job = (node = "pi") => cluster.ctl("start", node, "dbus.service");
/** Waits until the controller listens on these ports only: after a reload it opens and closes them in its own time. */
const listens = (...ports: number[]) =>
  main.until(`only ${ports} to be open`, async () => {
    const open = await main.sh("ss -Hltn '( sport = :842 or sport = :843 )' | awk '{print $4}' | sort");
    if (open.replaceAll("*:", "").trim() !== ports.join("\n")) throw new Error(open);
    return true;
  });

test("all nodes come in with TLS, the port without is closed, and the connections have their options", async () => {
  await listens(843);
  for (const name of names) expect((await job(name)).stdout).toContain("done");
  await main.logged("bluechi-controller", "Waiting for connection requests on port 843, with TLS...");
  expect(await main.journal("bluechi-controller")).not.toContain("is without TLS");
  const options = await tcpOptions(pi, "/usr/libexec/bluechi-agent");
  expect(options).toEqual(["keepalive 1 3 1 6 timeout 7000 thin 1 errors 1"]);
  const ofController = await tcpOptions(main, "/usr/libexec/bluechi-controller");
  expect(ofController).toEqual(names.map(() => "keepalive 1 3 1 6 timeout 7000 thin 1 errors 1 1"));
  const address = await pi.sh(`busctl get-property ${agentName} ${rootPath} ${agentName} ControllerAddress`);
  expect(address).toBe('s "tls:host=main,port=843"\n');
});

// What a rogue may try on a host of its own: it has certificates that are wrong, and no others.
const rogues: [what: string, pair: () => Promise<Pair>, why: string][] = [
  [
    "of another authority",
    async () => foreign.of("cam"),
    "the certificate was not made by an authority that is trusted here",
  ],
  ["of another node", async () => certificates.of("pi"), "the certificate is that of node 'pi', not of 'cam'"],
  [
    "for a controller",
    () => certificates.issue({ cluster: clusterName, role: "controller" }),
    "is not for use as a node",
  ],
  [
    "that has expired",
    () => certificates.issue({ cluster: clusterName, role: "node", node: "cam" }, -2 * 3600_000, 3600_000),
    "has expired at",
  ],
  [
    "that is not valid yet",
    () => certificates.issue({ cluster: clusterName, role: "node", node: "cam" }, 3600_000),
    "is not valid before",
  ],
  [
    "from before its host has joined",
    () => certificates.issue({ cluster: clusterName, role: "node", node: "cam" }, -3600_000),
    "has been revoked",
  ],
];

for (const [what, pair, why] of rogues) {
  test(`a certificate ${what} is refused, which both sides say`, async () => {
    await logged(main, "bluechi-controller", why, async () => {
      await logged(cam, "bluechi-agent", why, async () => {
        await changed(cam, "", await pair(), async () => {
          await cam.logged("bluechi-agent", why);
          expect((await cluster.ctl("status", "cam")).stdout).toMatch(/^cam +\| offline/m);
        });
      });
    });
  });
}

test("a node's certificate cannot serve as the controller's", async () => {
  const { certificate, key } = certificates.of("cam");
  await cam.write("/tmp/fake.pem", certificate + certificates.authority + key, 0o600);
  const fake = cam.spawn([
    "openssl",
    "s_server",
    "-accept",
    "8443",
    "-cert",
    "/tmp/fake.pem",
    "-key",
    "/tmp/fake.pem",
    "-Verify",
    "1",
    "-quiet",
  ]);
  await cam.until("the port to be open", async () => (await cam.sh("ss -Hltn sport = :8443")) !== "");
  const why = "the certificate of node 'cam' is not for use as the controller";
  await changed(pi, "ControllerAddress=tls:host=cam,port=8443", undefined, async () => {
    await pi.logged("bluechi-agent", why);
  });
  // Nothing was said to it.
  expect(fake.lines.join("")).not.toContain("bluechi");
  await fake.kill();
  await fake.exited;
});

test("an agent that has a certificate connects to no plain port, whoever asks for it", async () => {
  await controlled("Security=both", async () => {
    await listens(842, 843);
    await main.logged("bluechi-controller", "Port 842 is without TLS");
    const plain = "tcp:host=main,port=842";
    const why = `${plain} is not connected to: it is without TLS, and this agent takes TLS only (Security=)`;
    const program = await Program.on(pi);
    const switched = program.call(agentName, rootPath, `${agentName}.SwitchController`, "s", plain);
    await expect(switched).rejects.toMatchObject({ errorName: ErrorName.AccessDenied, message: why });
    program.close();
    await cluster.online("pi");
    await changed(pi, `ControllerAddress=${plain}`, undefined, async () => {
      await pi.logged("bluechi-agent", why);
      expect((await cluster.ctl("status", "pi")).stdout).toMatch(/^pi +\| offline/m);
    });
  });
});

/** An agent without a certificate, on the host of cam, whose own is stopped meanwhile. */
async function withoutCertificate(
  node: string,
  port: number,
  work: (log: () => string) => Promise<void>,
): Promise<void> {
  await cam.sh("systemctl stop bluechi-agent");
  const argv = ["/usr/libexec/bluechi-agent", "-n", node, "-a", `tcp:host=main,port=${port}`];
  const agent = cam.spawn(argv, { BC_LOG_TARGET: "stderr" });
  await work(() => agent.lines.join("\n"));
  await agent.kill();
  await agent.exited;
  await cam.sh("systemctl start bluechi-agent");
  await cluster.online("cam");
}

test("without TLS nobody comes in where there is only TLS, and both sides say so", async () => {
  await logged(main, "bluechi-controller", "the peer speaks no TLS", () =>
    withoutCertificate("guest", 843, async (log) => {
      await cam.until("the agent to be told", () => log().includes("it looks like TLS, which is not spoken here"));
    }),
  );
  await withoutCertificate("guest", 842, async (log) => {
    await cam.until("nobody to answer", () => log().includes("connection refused"));
  });
});

test("with Security=both who needs no TLS comes in without, and is cut when that ends; who needs it does not", async () => {
  await controlled("Security=both", async () => {
    await withoutCertificate("guest", 842, async () => {
      await cluster.online("guest");
      await main.sh("rm /etc/bluechi/controller.conf.d/zz.conf");
      await reload(main, "controller");
      await cluster.offline("guest");
      await main.logged("bluechi-controller", "Node 'guest' disconnected: TLS is required of it");
      await listens(843);
      await main.write("/etc/bluechi/controller.conf.d/zz.conf", "[bluechi-controller]\nSecurity=both\n");
      await reload(main, "controller");
      await cluster.online("guest");
    });
    for (const node of ["strict", "pi"]) {
      await withoutCertificate(node, 842, async (log) => {
        const why = `Node '${node}' may connect from other hosts with TLS only`;
        await cam.until("the agent to be refused", () => log().includes(why));
      });
    }
    await cluster.online("pi");
  });
});

test("bluechictl status warns of links without TLS as long as they are allowed, unless it is to be as the original", async () => {
  const warning = "Links without TLS are allowed: who reaches the controller's port can pose as a node; ";
  const status = async (env = {}) => (await main.run(["bluechictl", "status"], { env })).stderr;
  expect(await status()).toBe("");
  await controlled("Security=both", async () => {
    expect(await status()).toBe(`${warning}Security=tls ends that.\n`);
    expect(await status({ BLUECHI_COMPAT: "1" })).toBe("");
  });
});

test("a peer with TLS at a port without is told so by both sides", async () => {
  await controlled("Security=both", async () => {
    await logged(main, "bluechi-controller", "it looks like TLS, which is not spoken here", () =>
      changed(cam, "ControllerAddress=tls:host=main,port=842", undefined, async () => {
        await cam.logged("bluechi-agent", "before TLS was established: is it a port without TLS?");
      }),
    );
  });
});

const listening = `
import os, socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.settimeout(0.2)
print("listening", flush=True)
words, seen, count = sys.argv[1].encode(), False, 0
while not os.path.exists("/run/enough"):
    try: packet = s.recv(65536)
    except socket.timeout: continue
    count += 1
    seen = seen or words in packet
print("seen" if seen else "not seen", "in many" if count > 10 else f"in {count}", flush=True)
`;

/** Whether words travel over a host's network, in the clear, while work is done. */
async function travels(host: Host, words: string, work: () => Promise<unknown>): Promise<string> {
  const ear = host.spawn(["/usr/bin/python3", "-c", listening, words]);
  await ear.line("listening");
  await work();
  await host.sh("touch /run/enough");
  const told = await ear.line(/seen/);
  await ear.exited;
  await host.sh("rm /run/enough");
  return told;
}

test("no name of a unit is to be read on the way, as it is without TLS", async () => {
  await cluster.service("pi", "secretive.service", "ExecStart=sleep infinity");
  await cluster.service("cam", "secretive.service", "ExecStart=sleep infinity");
  const walk = (node: string) => async () => {
    for (const verb of ["start", "status", "restart", "stop"]) await cluster.ctl(verb, node, "secretive.service");
  };
  expect(await travels(pi, "secretive.service", walk("pi"))).toBe("not seen in many");
  await controlled("Security=both", () =>
    withoutCertificate("guest", 842, async () => {
      await cluster.online("guest");
      expect(await travels(cam, "secretive.service", walk("guest"))).toBe("seen in many");
    }),
  );
});

test("a proxy works over links with TLS", async () => {
  await cluster.service("pi", "cdn.service", "ExecStart=sleep infinity");
  const proxy = "bluechi-proxy@pi_cdn.service";
  await cluster.service(
    "main",
    "web.service",
    `[Unit]\nWants=${proxy}\nAfter=${proxy}\n[Service]\nExecStart=sleep infinity\n`,
  );
  await main.sh("systemctl start web.service");
  expect(await cluster.state("pi", "cdn.service")).toBe("active");
  await main.sh("systemctl stop web.service");
});

const rogueScript = `
import os, socket, ssl, sys, threading, time
def context(pair):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    if pair: c.load_cert_chain(pair)
    return c
contexts = [context(None), context("/tmp/foreign.pem"), context("/tmp/own.pem")]
def text(words): return bytes([len(words)]) + words
def hello(node):
    payload = text(b"bluechi") + bytes([1, 0]) + text(node) + text(b"1.0-") + bytes([0])
    return bytes([len(payload), 0, 0, 0]) + payload
def plain(words):
    s = socket.create_connection(("main", 843))
    s.sendall(words)
    return s
def secure(kind, words):
    s = contexts[kind].wrap_socket(socket.create_connection(("main", 843)))
    s.sendall(words)
    return s
client_hello = bytes([22, 3, 1, 64, 0, 1, 0, 62, 0]) + bytes(16380)
kinds = [
    lambda: plain(os.urandom(1 + os.urandom(1)[0])),
    lambda: plain(hello(b"pi")),
    lambda: plain(b""),
    lambda: plain(client_hello[:500]),
    lambda: plain(client_hello),
    lambda: secure(0, hello(b"pi")),
    lambda: secure(0, b""),
    lambda: secure(1, hello(b"pi")),
    lambda: secure(1, hello(b"cam")),
    lambda: secure(2, hello(b"pi")),
    lambda: secure(2, bytes([255, 255, 255, 0])),
    lambda: secure(2, bytes([0, 16, 0, 0]) + bytes(2000)),
]
registered, peers = 0, []
for turn in range(300):
    try: peers.append(kinds[turn % len(kinds)]())
    except OSError: pass
print("sent", flush=True)
for peer in peers:
    peer.settimeout(${patienceMs / 1000})
    heard = b""
    try:
        while True:
            piece = peer.recv(65536)
            if not piece: break
            heard += piece
    except socket.timeout: print("still there", flush=True)
    except OSError: pass
    if heard[3:4] == bytes([1]): registered += 1
print("registered:", registered, flush=True)
`;

test("300 rogue handshakes of every kind register nobody, and disturb none of the nodes", async () => {
  for (const [name, { certificate, key }] of [
    ["foreign", foreign.of("pi")],
    ["own", certificates.of("cam")],
  ] as const) {
    await cam.write(`/tmp/${name}.pem`, certificate + key, 0o600);
  }
  const program = await Program.on(main, { listen: true });
  const rogue = cam.spawn(["/usr/bin/python3", "-c", rogueScript]);
  let asked = 0;
  let done = false;
  const honest = names.map(async (name) => {
    const { call } = program.node(name);
    for (; !done; asked++) {
      await call("GetUnitProperty", {
        name: "dbus.service",
        interface: "org.freedesktop.systemd1.Unit",
        property: "Id",
      });
    }
  });
  await rogue.line("sent", 2 * patienceMs);
  // A controller that is busy gives those more time who have not said enough.
  expect(await rogue.line(/registered|still/, 2 * patienceMs)).toBe("registered: 0");
  done = true;
  await Promise.all(honest);
  expect(await rogue.exited).toBe(0);
  expect(asked).toBeGreaterThan(names.length);
  expect(program.texts.filter((text) => text.startsWith("node/"))).toEqual([]);
  program.close();
  await main.until(
    "their connections to be gone",
    async () => (await main.sh("ss -Htn state established '( sport = :843 )' | wc -l")).trim() === `${names.length}`,
  );
});

test("losses are to be noticed sooner", () => hurry(cluster));

// As soon as without TLS: it is the same heartbeats that are missed, and the same kernel that tells of an end.
for (const loss of losses) {
  test(`${loss.what}: the loss is noticed with TLS, too`, () => survive(cluster, loss));
}
