// How hosts become nodes of a cluster, and cease to be: from the command on the controller's host to the node that is online.
import { afterAll, expect } from "bun:test";
import { join } from "node:path";
import { clusterInterface } from "../../src/api/cluster.ts";
import { clusterPath, controllerName } from "../../src/api/names.ts";
import { client } from "../../src/bus/client.ts";
import { formatToken, parseToken } from "../../src/identity/token.ts";
import type { Outcome } from "../testbed/command.ts";
import type { Host } from "../testbed/host.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";
import { Program, refusal } from "./program.ts";
import { reload } from "./reloading.ts";

const allow = "[node main]\nAllowDependenciesOn=pi\n";
const cluster = await Cluster.start(["main", "pi", "cam"], { controller: allow });
const test = testsOn(cluster.lab);
const { main } = cluster;
const [pi, cam] = [cluster.host("pi"), cluster.host("cam")];

afterAll(() => cluster.close());

const joinMs = 60_000;

/** Runs bluechictl on the controller's host; it has to succeed. */
async function ctl(...argv: string[]): Promise<string> {
  const { status, stdout, stderr } = await cluster.ctl(...argv);
  expect({ argv, status, stderr }).toEqual({ argv, status: 0, stderr: expect.anything() });
  return stdout;
}

/** What bluechictl says that fails. */
async function trouble(...argv: string[]): Promise<string> {
  const { status, stderr } = await cluster.ctl(...argv);
  expect({ argv, status }).toEqual({ argv, status: 1 });
  return stderr;
}

/** A token for a node. */
async function invite(node: string, ...options: string[]): Promise<string> {
  const line = await ctl("node", "invite", node, ...options);
  expect(line).toMatch(/^bluechi join [\w-]+\n$/);
  return line.trim().slice("bluechi join ".length);
}

const joining = (host: Host, ...argv: string[]): Promise<Outcome> =>
  host.run(["bluechi", "join", ...argv], { timeoutMs: joinMs });

/** Joins, which has to succeed. @returns what it says. */
async function joins(host: Host, ...argv: string[]): Promise<string> {
  const { status, stdout, stderr } = await joining(host, ...argv);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toEndWith("It is online.\n");
  return stdout;
}

/** Why a host may not join. */
async function refused(host: Host, ...argv: string[]): Promise<string> {
  const { status, stdout, stderr } = await joining(host, ...argv);
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  return stderr;
}

/** The rows of `bluechictl node list`, without the columns that differ each time. */
async function members(): Promise<string[]> {
  const [, , ...rows] = (await ctl("node", "list")).trimEnd().split("\n");
  return rows
    .map((row) =>
      row
        .split("|")
        .slice(0, 2)
        .map((cell) => cell.trim())
        .join(" "),
    )
    .sort();
}

const controllerLog = () => main.journal("bluechi-controller");

test("without a cluster there is nothing to join, and it is said how to make one", async () => {
  expect(await ctl("cluster", "status")).toContain("Make one with: bluechictl cluster init");
  expect(await trouble("node", "invite", "pi")).toContain(
    "there is no cluster yet: 'bluechictl cluster init' makes one",
  );
  expect(await refused(pi, "--request=main")).toContain("main:843: connection refused (is bluechi-controller running");
});

test("a cluster is not made while that would cut off nodes, unless both kinds of links are allowed", async () => {
  const said = await trouble("cluster", "init", "home");
  expect(said).toMatch(/This would cut off nodes that are connected without TLS: .*pi.*Set Security=both/);
  await main.write("/etc/bluechi/controller.conf.d/security.conf", "[bluechi-controller]\nSecurity=both\n");
  await reload(main, "controller");
  const program = await Program.on(main, { listen: true });
  expect(await trouble("cluster", "init", "Not A Name")).toContain("'Not A Name' is no name for a cluster");
  expect(await ctl("cluster", "init", "home")).toStartWith(
    "Made the cluster 'home'. The fingerprint of its authority is\n",
  );
  expect(await trouble("cluster", "init", "home")).toContain("there is a cluster already: 'home'");
  await program.caughtUp();
  expect(program.all(/^node\/\w+ Status=/)).toEqual([]);
  program.close();
  expect(await ctl("cluster", "status")).toContain("Security: both; the port for TLS is 843\n");
  const modes = await main.sh("stat -c '%a %n' /var/lib/bluechi/cluster /var/lib/bluechi/cluster/*");
  expect(modes.split("\n").filter((line) => line && !/^(600|700) /.test(line))).toEqual([]);
});

test("a name that no node can have is refused", async () => {
  for (const name of ["", "a b", "a,b", "*", "x".repeat(300), "line\nbreak"]) {
    expect(await trouble("node", "invite", name)).toContain("no name for a node");
  }
  expect(await trouble("node", "invite", "pi", "--address=a b")).toContain("'a b' is neither HOST nor HOST:PORT");
  expect(await trouble("node", "invite", "pi", "--ttl=99999d")).toContain("up to 30 days");
});

test("one command makes a host a node, whatever its configuration said before", async () => {
  await pi.write("/etc/bluechi/agent.conf.d/user.conf", "[bluechi-agent]\nNodeName=old\nControllerPort=9\n");
  const said = await joins(pi, await invite("pi"));
  expect(said).toContain("This host is the node 'pi' of the cluster 'home', whose controller is at main:843.\n");
  expect(said).toContain("NodeName=old (/etc/bluechi/agent.conf.d/user.conf, line 2) counts no more\n");
  expect(said).toContain("ControllerHost=main (/etc/bluechi/agent.conf.d/test.conf, line 3) counts no more\n");
  expect(await pi.read("/etc/bluechi/agent.conf.d/user.conf")).toContain("NodeName=old");
  await cluster.online("pi");
  expect(await members()).toEqual(["pi valid"]);
  expect((await pi.sh("stat -c %a /var/lib/bluechi-agent/identity/*")).trim().split("\n")).toEqual([
    "600",
    "600",
    "600",
  ]);
  await cluster.service("pi", "one.service", "ExecStart=sleep infinity");
  expect(await ctl("start", "pi", "one.service")).toContain("result: done");
});

test("the port for plain links is told from the one for TLS", async () => {
  const said = await refused(cam, await invite("cam", "--address=main:842"));
  expect(said).toContain("is it a port without TLS? (the one for TLS is 843");
});

test("a node that has a certificate is not let in without it", async () => {
  await cam.write(
    "/etc/bluechi/agent.conf.d/zz-pi.conf",
    "[bluechi-agent]\nNodeName=pi\nControllerAddress=tcp:host=main,port=842\n",
  );
  await pi.sh("systemctl stop bluechi-agent");
  await cam.sh("systemctl restart bluechi-agent");
  await cam.until("a refusal", async () => /TLS only/.test(await cam.journal("bluechi-agent")));
  await cam.sh("rm /etc/bluechi/agent.conf.d/zz-pi.conf; systemctl restart bluechi-agent");
  await pi.sh("systemctl start bluechi-agent");
  await cluster.online("pi");
});

test("the controller's own host joins, too, and then plain links can be ruled out", async () => {
  await joins(main, await invite("main"));
  await main.sh("rm /etc/bluechi/controller.conf.d/security.conf");
  await reload(main, "controller");
  await cluster.offline("cam");
  await joins(cam, await invite("cam", "--address=main"));
  for (const name of ["main", "pi", "cam"]) await cluster.online(name);
  expect(await members()).toEqual(["cam valid", "main valid", "pi valid"]);
});

test("units of nodes that have joined depend on each other", async () => {
  await cluster.service("pi", "needed.service", "ExecStart=sleep infinity");
  await main.sh("systemctl start bluechi-proxy@pi_needed.service");
  await cluster.reaches("pi", "needed.service", "active");
  await main.sh("systemctl stop bluechi-proxy@pi_needed.service");
});

test("a node may join that no list has, with no reload of anything", async () => {
  const token = await invite("new");
  await joins(cam, token);
  await cluster.online("new");
  await cluster.offline("cam");
  expect(await ctl("status", "new")).toContain("| online");
  await joins(cam, await invite("cam"));
  await ctl("node", "revoke", "new");
});

test("a token counts once, and who comes too late is told, and logged", async () => {
  const token = await invite("pi");
  await joins(pi, token);
  const said = await refused(cam, token);
  expect(said).toContain(
    "The controller at main:843 refuses: the token for 'pi' has been used already, by another host",
  );
  expect(said).toContain("bluechictl node invite pi");
  expect(await controllerLog()).toMatch(new RegExp(`${cam.address}.*join as 'pi'.*used already`));
  for (const name of ["pi", "cam"]) await cluster.online(name);
  // The same host may have missed the answer.
  await joins(pi, token);
});

test("a join that was cut off is run again", async () => {
  const token = await invite("pi");
  // It gets no further than the certificate.
  await pi.sh("mv /etc/bluechi/agent.conf.d /etc/bluechi/kept; echo >/etc/bluechi/agent.conf.d");
  expect((await joining(pi, token)).status).toBe(1);
  await pi.sh("rm /etc/bluechi/agent.conf.d; mv /etc/bluechi/kept /etc/bluechi/agent.conf.d");
  await joins(pi, token);
  await cluster.online("pi");
});

test("a token is read from standard input, as node invite prints it, where no other user of the host sees it", async () => {
  const token = await invite("pi");
  for (const input of [`bluechi join ${token}\n`, token]) {
    const { status, stdout, stderr } = await pi.run(["bluechi", "join", "-"], { timeoutMs: joinMs, input });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toEndWith("It is online.\n");
  }
  for (const input of ["", "\n", `bluechi join ${token.slice(1)}\n`]) {
    const { status, stderr } = await pi.run(["bluechi", "join", "-"], { timeoutMs: joinMs, input });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringContaining("the token is damaged or cut off"),
    });
  }
});

test("a token is for one name, and for so long", async () => {
  const token = await invite("pi");
  const forged = formatToken({ ...parseToken(token), node: "cam" });
  expect(await refused(cam, forged)).toContain("the token is for 'pi', not for 'cam'");
  const brief = await invite("cam", "--ttl=1s");
  await main.until("the end of the invitation", async () => !(await members()).includes("cam invited"));
  const said = await refused(cam, brief);
  expect(said).toContain("the token for 'cam' has expired");
  expect(said).toContain("bluechictl node invite cam");
  expect(await refused(cam, token.slice(0, -10))).toContain("damaged or cut off");
  const older = await invite("cam");
  await invite("cam");
  expect(await refused(cam, older)).toContain("the token is not known");
});

test("who is not root, or does not say what to do, is told so", async () => {
  const nobody = await cam.run(["setpriv", "--reuid=65534", "--clear-groups", "bluechi", "join", "--request=main"]);
  expect([nobody.status, nobody.stderr]).toEqual([1, expect.stringContaining("only root may do this")]);
  expect(await refused(cam)).toContain("either a token or --request=HOST is needed");
  expect(await refused(cam, "token", "--name=x")).toContain("--name goes with --request only");
});

test("who cannot be reached is told of, with every address and what to look for", async () => {
  const wrong = await invite("cam", "--address=main:842,nowhere.invalid,main:22222");
  const said = await refused(cam, wrong);
  for (const text of ["The controller was not reached", "nowhere.invalid:843: ", "main:22222: connection refused"]) {
    expect(said).toContain(text);
  }
});

test("somebody in between, with an authority of their own, hears nothing", async () => {
  const rogue = cam.spawn([process.execPath, join(import.meta.dir, "rogue.ts"), "home"]);
  await rogue.line("waiting");
  const token = await invite("pi", "--address=main:8443");
  await pi.sh(`cp /etc/hosts /root/hosts; sed -i 's/.* main$/${cam.address} main/' /etc/hosts`);
  try {
    const said = await refused(pi, token);
    expect(said).toContain("main:8443: who answers there is not the controller that made this token");
  } finally {
    await pi.sh("cat /root/hosts >/etc/hosts");
  }
  await rogue.line("met");
  await rogue.close();
  expect(rogue.lines).toEqual(["waiting", "met"]);
});

test("without a token somebody has to approve, or deny", async () => {
  const ask = (name: string) => cam.spawn(["bluechi", "join", "--request=main", `--name=${name}`]);
  const first = ask("guest");
  await first.line("and 'bluechictl node pending' this key:");
  const key = (await first.line(/^ {2}/)).trim();
  const listed = await ctl("node", "pending");
  expect(listed).toContain("guest");
  expect(listed).toContain(key);
  expect(listed).toContain(cam.address);
  const status = await ctl("cluster", "status");
  expect(first.lines.some((line) => line.startsWith("  ") && status.includes(line.trim()))).toBe(true);
  expect(await trouble("node", "approve", "guest", "0".repeat(16))).toContain(
    "nobody with this key asks to join as 'guest'",
  );
  const begin = key.slice(0, 19);
  expect(first.lines).toContain(`If both do: bluechictl node approve guest ${begin}`);
  expect(await trouble("node", "approve", "guest", key.slice(0, 18))).toContain("the first 16 digits of the key");
  await ctl("node", "approve", "guest", begin);
  await first.line("It is online.", joinMs);
  expect(await first.exited).toBe(0);
  await cluster.online("guest");
  const second = ask("stranger");
  await second.line(/^Waiting for that/);
  await ctl("node", "deny", "stranger");
  expect(await second.line(/refuses/, joinMs)).toContain("the request to join as 'stranger' was denied");
  expect(await second.exited).toBe(1);
  expect(await trouble("node", "approve", "stranger", "0".repeat(16))).toContain(
    "nobody with this key asks to join as 'stranger'",
  );
  await ctl("node", "revoke", "guest");
  await joins(cam, await invite("cam"));
});

test("what keeps a host from joining is said with what to do", async () => {
  expect(await refused(cam, "--request=nowhere.invalid")).toMatch(
    /nowhere\.invalid:843: host not found.* \(is the name right\? An address will do/,
  );
  expect(await refused(cam, "--request=127.0.0.1:1", "--name=a b")).toStartWith(
    'bluechi join: "a b" is no name for a node',
  );
  await cam.write("/etc/bluechi/agent.conf.d/typo.conf", "[bluechi-agent]\nAllowVerbs=lifecyle\n");
  const token = await invite("cam");
  const { status, stderr } = await joining(cam, token);
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringContaining(
      "it has joined, but its agent does not run: 'systemctl restart bluechi-agent.service' failed",
    ),
  });
  await cam.sh("rm /etc/bluechi/agent.conf.d/typo.conf && systemctl reset-failed bluechi-agent");
  await joins(cam, token);
});

test("a name that nobody knows is not revoked, and it is said who is known", async () => {
  const before = await members();
  const said = await trouble("node", "revoke", "typo");
  expect(said).toContain("there is no node 'typo', so nothing is revoked: 'bluechictl node list' shows");
  expect(await members()).toEqual(before);
});

test("a node that is revoked is cut off at once and for good, and may be invited again", async () => {
  const token = await invite("pi");
  await joins(pi, token);
  const program = await Program.on(main, { listen: true });
  await ctl("node", "revoke", "pi");
  await program.hears("node/pi Status=offline");
  program.close();
  await pi.until("a refusal", async () => /has been revoked/.test(await pi.journal("bluechi-agent")));
  await pi.sh("systemctl restart bluechi-agent");
  expect(await members()).toContain("pi revoked");
  expect(await refused(pi, token)).toContain("the token is not known");
  await main.sh("systemctl restart bluechi-controller");
  await cluster.online("cam");
  expect(await members()).toContain("pi revoked");
  expect(await ctl("status", "pi")).toContain("| offline");
  await joins(pi, await invite("pi"));
  expect(await members()).toContain("pi valid");
});

test("a controller that is started again knows all it knew, invitations too", async () => {
  const token = await invite("pi");
  const before = [await ctl("node", "list"), await ctl("cluster", "status")];
  await main.sh("systemctl restart bluechi-controller");
  for (const name of ["main", "pi", "cam"]) await cluster.online(name);
  expect([await ctl("node", "list"), await ctl("cluster", "status")]).toEqual(before);
  await joins(pi, token);
});

test("programs can do all that over the bus", async () => {
  const program = await Program.on(main);
  const bus = client(program.bus, controllerName, clusterPath, clusterInterface);
  expect(await bus.getAll()).toEqual({
    Name: "home",
    Fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    OldFingerprint: "",
    Expiry: expect.any(BigInt),
  });
  expect([await bus.get("Security"), await bus.get("TLSPort"), await bus.get("Trouble")]).toEqual(["tls", 843, ""]);
  const { token } = await bus.call("Invite", { node: "bus", ttl: 60_000_000n, addresses: ["main", "[fd00::1]:8443"] });
  expect(parseToken(token)).toMatchObject({ node: "bus", addresses: ["main:843", "[fd00::1]:8443"] });
  const { invitations } = await bus.call("ListInvitations", {});
  expect(invitations.map(([node]) => node)).toContain("bus");
  expect(await bus.call("ListPending", {})).toEqual({ requests: [] });
  expect(await refusal(bus.call("Approve", { node: "bus", fingerprint: "" }))).toContain("the first 16 digits");
  expect(await refusal(bus.call("Deny", { node: "bus", fingerprint: "" }))).toContain("nobody with this key asks");
  expect(await refusal(bus.call("FinishRotation", { force: false }))).toContain("no rotation is under way");
  await bus.call("Revoke", { node: "bus" });
  expect(await ctl("node", "list")).toMatch(/^bus +\| revoked \| +\| +$/m);
  const { nodes } = await bus.call("ListNodes", {});
  expect(nodes.map(([node, state]) => `${node} ${state}`)).toContain("pi valid");
  program.close();
});

test("the authority is replaced, and while that lasts both count", async () => {
  const fingerprints = async (): Promise<string[]> =>
    (await ctl("cluster", "status")).match(/[0-9a-f]{4}(:[0-9a-f]{4}){15}/g) ?? [];
  const [old] = await fingerprints();
  const waiting = await invite("pi");
  expect(await ctl("cluster", "rotate-ca")).toStartWith("Made a new authority.");
  const [next, before, ...more] = await fingerprints();
  expect([before, ...more]).toEqual([old]);
  expect(next).not.toBe(old);
  expect(await trouble("cluster", "rotate-ca")).toContain("a rotation is under way");
  for (const name of ["main", "pi", "cam"]) await cluster.online(name);
  await joins(pi, waiting);
  await joins(main, await invite("main"));
  const late = await invite("cam");
  await ctl("cluster", "rotate-ca", "--finish", "--force");
  expect((await fingerprints()).join()).toBe(next ?? "");
  for (const name of ["main", "pi"]) await cluster.online(name);
  expect(await refused(cam, late)).toContain("its authority has been replaced since");
  await joins(cam, await invite("cam"));
});

test("a cluster that was lost is made anew, at once if it has to be, and hosts of the old one join it", async () => {
  await main.sh(
    "systemctl stop bluechi-controller; rm -r /var/lib/bluechi/cluster; systemctl start bluechi-controller",
  );
  await cam.sh("rm -r /etc/bluechi/agent.conf.d/zz-join.conf /var/lib/bluechi-agent/identity");
  await cam.sh("systemctl restart bluechi-agent");
  await cluster.online("cam");
  // Who has a certificate does not go back to plain links.
  expect(await ctl("status", "pi")).toContain("| offline");
  expect(await trouble("cluster", "init", "away")).toMatch(/connected without TLS: cam\. /);
  const holder =
    "import socket; s = socket.create_server(('::', 843), family=socket.AF_INET6); print('held', flush=True); input()";
  const held = main.spawn(["sh", "-c", `sleep infinity | /usr/bin/python3 -c "${holder}"`]);
  await held.line("held");
  const taken = "cannot listen on port 843: address already in use";
  expect(await trouble("cluster", "init", "away", "--cut")).toContain(
    `The cluster 'away' is made, but agents cannot connect: ${taken}`,
  );
  expect(await ctl("cluster", "status")).toContain(`Trouble: ${taken}; once that is ended: systemctl reload`);
  await held.close();
  await reload(main, "controller");
  await main.until("its end to be noticed", async () => !(await ctl("cluster", "status")).includes("Trouble"));
  await cluster.offline("cam");
  expect(await joins(pi, await invite("pi"))).toContain("the node 'pi' of the cluster 'away'");
  await joins(cam, await invite("cam"));
  for (const name of ["pi", "cam"]) await cluster.online(name);
  expect(await members()).toEqual(["cam valid", "pi valid"]);
});
