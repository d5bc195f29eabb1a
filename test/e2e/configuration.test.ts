// What keeps the daemons from running: each is one line that says why, and exit status 1.
import { afterAll, beforeAll, expect } from "bun:test";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";
import { reload } from "./reloading.ts";

const cluster = await Cluster.start(["main", "pi"]);
const test = testsOn(cluster.lab);
const { main } = cluster;
const pi = cluster.host("pi");

const daemons = { controller: "/usr/libexec/bluechi-controller", agent: "/usr/libexec/bluechi-agent" } as const;
type Role = keyof typeof daemons;
const file = "/root/test.conf";

beforeAll(async () => {
  await pi.sh("systemctl stop bluechi-agent");
});

afterAll(() => cluster.close());

/** Starts a daemon by hand, where none runs. What it logs is not told from what it says: the last line is the reason. */
async function refused(
  role: Role,
  args: readonly string[],
  env: Record<string, string> = {},
  as: readonly string[] = [],
) {
  const argv = [...as, daemons[role], ...args];
  const { status, stdout, stderr } = await pi.run(argv, { env: { BC_LOG_IS_QUIET: "yes", ...env } });
  return { status, stdout, stderr };
}

const because = (line: string) => ({ status: 1, stdout: "", stderr: `${line}\n` });

for (const [role, text, line] of [
  [
    "controller",
    "[bluechi-controller]\nAllowedNodeNames=a\ngarbage\n",
    `Error parsing configuration file '${file}' on line 3`,
  ],
  ["agent", "NodeName=a\n[bluechi-agent]\n[broken\n", `Error parsing configuration file '${file}' on line 1`],
  ["agent", "[bluechi-agent]\n\n[broken\n", `Error parsing configuration file '${file}' on line 3`],
  ["controller", "[bluechi-controller]\nControllerPort=842O\n", `Invalid port format '842O' (${file}, line 2)`],
  ["controller", "[bluechi-controller]\nControllerPort=65538\n", `Invalid port format '65538' (${file}, line 2)`],
  ["agent", "[bluechi-agent]\nControllerPort=-1\n", `Invalid port format '-1' (${file}, line 2)`],
  [
    "controller",
    "[bluechi-controller]\nHeartbeatInterval=abc\n",
    `Invalid heartbeat interval format 'abc' (${file}, line 2)`,
  ],
  ["agent", "[bluechi-agent]\nHeartbeatInterval=2s\n", `Invalid heartbeat interval format '2s' (${file}, line 2)`],
  [
    "controller",
    "[bluechi-controller]\nNodeHeartbeatThreshold=never\n",
    `Invalid heartbeat threshold format 'never' (${file}, line 2)`,
  ],
  [
    "controller",
    "[bluechi-controller]\nUseTCP=no\nUseUDS=1\n",
    "bluechi-controller: No connection request handler configured",
  ],
] as const) {
  test(`${role} with a file of ${JSON.stringify(text)}`, async () => {
    await pi.write(file, text);
    expect(await refused(role, ["-c", file])).toEqual(because(line));
  });
}

for (const [role, args, line] of [
  [
    "controller",
    ["-c", "/nowhere"],
    "Error loading configuration file '/nowhere', error code 'No such file or directory'.",
  ],
  [
    "agent",
    ["--config=/nowhere"],
    "Error loading configuration file '/nowhere', error code 'No such file or directory'.",
  ],
  ["controller", ["-p", "65538"], "Invalid port format '65538' (the command line)"],
  ["agent", ["--port=x"], "Invalid port format 'x' (the command line)"],
  ["agent", ["-i", "often"], "Invalid heartbeat interval format 'often' (the command line)"],
] as const) {
  test(`${role} ${args.join(" ")}`, async () => {
    expect(await refused(role, args)).toEqual(because(line));
  });
}

for (const [role, argument, complaint] of [
  ["controller", "-Q", "invalid option -- 'Q'"],
  ["controller", "--QWERTY", "unrecognized option '--QWERTY'"],
  ["agent", "-Q", "invalid option -- 'Q'"],
  ["agent", "-n", "option requires an argument -- 'n'"],
] as const) {
  test(`${role} ${argument}: the complaint, then the usage`, async () => {
    const { status, stdout, stderr } = await refused(role, [argument]);
    expect({ status, stderr }).toEqual({ status: 1, stderr: `bluechi-${role}: ${complaint}\nUnsupported option ?\n` });
    expect(stdout).toStartWith(`Usage: bluechi-${role} `);
  });
}

test("a drop-in that is malformed counts, whichever it is, and the unit fails once", async () => {
  for (const name of ["00-first", "zz-last"]) {
    const dropIn = `/etc/bluechi/agent.conf.d/${name}.conf`;
    await pi.write(dropIn, "[bluechi-agent]\nLogLevel\n");
    expect((await pi.run(["systemctl", "start", "bluechi-agent"])).status).toBe(1);
    expect(await cluster.state("pi", "bluechi-agent.service")).toBe("failed");
    const shown = await pi.sh("systemctl show -p Result,ExecMainStatus,NRestarts bluechi-agent");
    expect(shown.trim().split("\n").sort()).toEqual(["ExecMainStatus=1", "NRestarts=0", "Result=exit-code"]);
    expect(await pi.journal("bluechi-agent")).toContain(`Error parsing configuration file '${dropIn}' on line 2`);
    await pi.sh(`rm ${dropIn}; systemctl reset-failed`);
  }
});

test("a setting that does not exist is warned of, at the start and at a reload", async () => {
  const dropIn = "/etc/bluechi/agent.conf.d/typo.conf";
  const known = "[bluechi-agent]\nControllerHost=main\nDenyUnits=ssh.service\n";
  await pi.write(dropIn, `${known}DenyUnit=cron.service\n`);
  const warning = "There is no such setting, so it does nothing:";
  const agent = pi.spawn([daemons.agent], { BC_LOG_TARGET: "stderr" });
  expect(await agent.line(warning)).toContain(`DenyUnit= in [bluechi-agent] (${dropIn}, line 4)`);
  await cluster.online("pi");
  await pi.write(dropIn, `${known}[node pi]\nAllowUnits=cron.service\n`);
  await agent.kill("SIGHUP");
  expect(await agent.line(`${warning} AllowUnits=`)).toContain(`AllowUnits= in [node pi] (${dropIn}, line 5)`);
  await agent.kill("SIGINT");
  expect(await agent.exited).toBe(0);
  await pi.sh(`rm ${dropIn}`);
  await cluster.offline("pi");
});

test("a section of a node that the controller does not have a setting for is warned of, too", async () => {
  await main.write("/etc/bluechi/controller.conf.d/typo.conf", "[node pi]\nAllowDependencyOn=main\n[nodes]\nx=1\n");
  await reload(main, "controller");
  const journal = await main.journal("bluechi-controller");
  expect(journal).toContain("AllowDependencyOn= in [node pi] (/etc/bluechi/controller.conf.d/typo.conf, line 2)");
  expect(journal).toContain("x= in [nodes] (/etc/bluechi/controller.conf.d/typo.conf, line 4)");
  await main.sh("rm /etc/bluechi/controller.conf.d/typo.conf");
  await reload(main, "controller");
});

test("values that make no sense for a level or a target are passed over", async () => {
  await pi.write(file, "[bluechi-agent]\nLogLevel=loud\nLogTarget=wall\nLogIsQuiet=7\nControllerPort=\n");
  const agent = pi.spawn([daemons.agent, "-c", file]);
  await agent.line("Starting bluechi-agent");
  await cluster.online("pi");
  await agent.kill("SIGINT");
  expect(await agent.exited).toBe(0);
  await cluster.offline("pi");
});

for (const [role, name] of [
  ["controller", "org.eclipse.bluechi"],
  ["agent", "org.eclipse.bluechi.Agent"],
] as const) {
  const systemBus = "DBUS_SYSTEM_BUS_ADDRESS";
  test(`${role} without a bus`, async () => {
    expect(await refused(role, [], { [systemBus]: "nonsense" })).toEqual(
      because(`bluechi-${role}: invalid bus address 'nonsense': 'nonsense' has no transport`),
    );
    const { status, stderr } = await refused(role, [], { [systemBus]: "unix:path=/nowhere" });
    expect(status).toBe(1);
    expect(stderr).toMatch(new RegExp(`^bluechi-${role}: [^\n]*unix:path=/nowhere: no such file or directory\n$`));
  });

  test(`${role} as somebody else than root`, async () => {
    const { status, stderr } = await refused(role, [], {}, ["setpriv", "--reuid=nobody", "--clear-groups"]);
    expect(status).toBe(1);
    expect(stderr).toMatch(new RegExp(`^bluechi-${role}: [^\n]*not allowed to own the service "${name}"[^\n]*\n$`));
  });

  test(`a second ${role}`, async () => {
    const before = await main.sh(`systemctl show -P MainPID bluechi-${role}`);
    const { status, stderr } = await main.run([daemons[role]], { env: { BC_LOG_IS_QUIET: "yes" } });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: `bluechi-${role}: the name ${name} is already taken on the bus\n`,
    });
    expect(await main.sh(`systemctl show -P MainPID bluechi-${role}`)).toBe(before);
    await cluster.online("main");
  });
}

test("only root may command", async () => {
  const nobody = ["setpriv", "--reuid=nobody", "--clear-groups"];
  const { status, stderr } = await main.run([...nobody, "bluechictl", "status"]);
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr:
      "Failed to list nodes: Access denied: only root may do this, or a member of the group bluechi whom the bus's policy lets in\n",
  });
});

const holder =
  "import socket; s = socket.create_server(('::', 842), family=socket.AF_INET6); print('held', flush=True); input()";

test("a port that is taken", async () => {
  const held = pi.spawn(["sh", "-c", `sleep infinity | /usr/bin/python3 -c "${holder}"`]);
  await held.line("held");
  expect(await refused("controller", [])).toEqual(
    because("bluechi-controller: cannot listen on port 842: address already in use"),
  );
  await held.close();
});

/** What listens on the controller's port, and on its socket. */
const listening = async () =>
  (await pi.sh("ss -Hltn 'sport = :842'; ss -Hlx src /run/bluechi/bluechi.sock")).trim().split("\n");

for (const [settings, expected] of [
  ["UseTCP=false", /^u_str .*bluechi.sock/],
  ["UseUDS=False", /^LISTEN .*:842/],
] as const) {
  test(`${settings}: nothing else is listened on`, async () => {
    await pi.write(
      "/etc/bluechi/controller.conf.d/only.conf",
      `[bluechi-controller]\nAllowedNodeNames=pi\n${settings}\n`,
    );
    await pi.sh("systemctl start bluechi-controller");
    const places = await listening();
    expect(places.length).toBe(1);
    expect(places[0]).toMatch(expected);
    const address = settings === "UseTCP=false" ? "unix:path=/run/bluechi/bluechi.sock" : "tcp:host=::1,port=842";
    const agent = pi.spawn([daemons.agent, "-a", address]);
    await pi.until("the agent to join", async () => (await pi.sh("bluechictl status pi")).includes("| online"));
    const ip = (await pi.sh("bluechictl status pi")).split("\n")[2]?.split("|")[2]?.trim();
    expect(ip).toBe(settings === "UseTCP=false" ? "" : "::1");
    await agent.kill();
    expect(await agent.exited).toBe(0);
    await pi.sh("systemctl stop bluechi-controller");
    expect(await listening()).toEqual([""]);
  });
}
