// The daemons' units as administrators use them: patched by programs, started by a socket, on several buses, for users.
import { afterAll, expect } from "bun:test";
import { agentName, rootPath } from "../../src/api/names.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";

const names = ["renamed", "second", "person"];
const cluster = await Cluster.start(["main", "pi"], {
  controller: `${names.map((name) => `[node ${name}]\nAllowed=true`).join("\n")}\n[node person]\nAllowDependenciesOn=main`,
});
const test = testsOn(cluster.lab);
const { main } = cluster;
const pi = cluster.host("pi");

afterAll(() => cluster.close());

const [service, socket] = ["bluechi-controller.service", "bluechi-controller.socket"];
const [proxy, dependency] = ["bluechi-proxy@pi_x.service", "bluechi-dep@x.service"];

for (const [unit, property, value] of [
  [service, "Restart", "on-failure"],
  [service, "RestartPreventExitStatus", "1"],
  [service, "ExecStart", /^\{ path=(\S+) ; argv\[\]=\1 ;/],
  [service, "After", /\bnetwork\.target\b/],
  ["bluechi-agent.service", "Restart", "on-failure"],
  ["bluechi-agent.service", "RestartPreventExitStatus", "1"],
  ["bluechi-agent.service", "ExecStart", /^\{ path=(\S+) ; argv\[\]=\1 ;/],
  ["bluechi-agent.service", "After", /\bnetwork\.target\b/],
  [socket, "Listen", "/run/bluechi/bluechi.sock (Stream)"],
  [socket, "SocketMode", "0600"],
  [socket, "DirectoryMode", "0711"],
  [proxy, "Type", "oneshot"],
  [proxy, "RemainAfterExit", "yes"],
  [proxy, "StopWhenUnneeded", "yes"],
  [proxy, "KillMode", "mixed"],
  [proxy, "SuccessExitStatus", "TERM"],
  [proxy, "ExecStart", /argv\[\]=\S+\/bluechi-proxy create pi_x\.service ;/],
  [proxy, "ExecStop", /argv\[\]=\S+\/bluechi-proxy remove pi_x\.service ;/],
  [dependency, "Type", "oneshot"],
  [dependency, "RemainAfterExit", "yes"],
  [dependency, "BindsTo", /(^| )x\.service( |$)/],
  [dependency, "After", /(^| )x\.service( |$)/],
  [dependency, "ExecStart", ""],
  [dependency, "ExecStop", /argv\[\]=true ;/],
] as const) {
  test(`${property}= of ${unit}`, async () => {
    const shown = (await main.sh(`systemctl show -P ${property} '${unit}'`)).trim();
    if (typeof value === "string") expect(shown).toBe(value);
    else expect(shown).toMatch(value);
  });
}

for (const [unit, target] of [
  [service, "multi-user.target"],
  ["bluechi-agent.service", "multi-user.target"],
  [socket, "sockets.target"],
] as const) {
  test(`${unit} is enabled for ${target}`, async () => {
    await main.sh(`systemctl enable ${unit}`);
    expect(await main.sh(`systemctl show -P WantedBy ${unit}`)).toBe(`${target}\n`);
    await main.sh(`systemctl disable ${unit}`);
  });
}

const patch = `
import configparser, sys
unit, options = sys.argv[1:]
parser = configparser.RawConfigParser(strict=True)
parser.optionxform = str
parser.read("/usr/lib/systemd/system/" + unit)
parser["Service"]["ExecStart"] += " " + options
with open("/etc/systemd/system/" + unit, "w") as file: parser.write(file)
`;

test("a program that knows INI files only appends options to both services", async () => {
  const add = (unit: string, options: string) => main.run(["/usr/bin/python3", "-c", patch, unit, options]);
  const silent = { status: 0, stdout: "", stderr: "" };
  await main.write("/etc/bluechi/named.conf", "[bluechi-controller]\nLogLevel=WARN\n");
  expect(await add("bluechi-controller.service", "-p 8420 -c /etc/bluechi/named.conf")).toEqual(silent);
  expect(await add("bluechi-agent.service", "-n renamed -H 127.0.0.1 -p 8420 -i 500")).toEqual(silent);
  await main.sh("systemctl daemon-reload && systemctl restart bluechi-controller bluechi-agent");
  await cluster.online("renamed");
  expect(await main.sh("ss -Hltn 'sport = :8420' | wc -l; ss -Hltn 'sport = :842' | wc -l")).toBe("1\n0\n");
  const level = "busctl get-property org.eclipse.bluechi /org/eclipse/bluechi org.eclipse.bluechi.Controller LogLevel";
  expect(await main.sh(level)).toBe('s "WARN"\n');
  await main.sh("rm /etc/systemd/system/bluechi-*.service && systemctl daemon-reload");
  await main.sh("systemctl restart bluechi-controller bluechi-agent");
  for (const name of ["main", "pi"]) await cluster.online(name);
});

test("with a socket unit the controller needs no other place to listen", async () => {
  const only = "/etc/bluechi/controller.conf.d/zz-socket-only.conf";
  const local = "/etc/bluechi/agent.conf.d/zz-socket-only.conf";
  expect(await main.sh("stat -c '%a %U' /run/bluechi/bluechi.sock /run/bluechi")).toBe("600 bluechi\n711 bluechi\n");
  await main.write(only, "[bluechi-controller]\nUseTCP=no\nUseUDS=no\n");
  await main.write(local, `[bluechi-agent]\nControllerAddress=unix:path=/run/bluechi/bluechi.sock\n`);
  await main.sh("systemctl stop bluechi-agent bluechi-controller && systemctl start bluechi-controller.socket");
  await main.sh("systemctl start bluechi-agent");
  await cluster.online("main");
  expect(await main.sh("ss -Hltn 'sport = :842'")).toBe("");
  await main.sh(`systemctl stop bluechi-agent bluechi-controller.socket bluechi-controller; rm ${only} ${local}`);
  await main.sh("systemctl start bluechi-controller bluechi-agent");
  for (const name of ["main", "pi"]) await cluster.online(name);
});

test("several agents share a host, each on a bus of its own", async () => {
  const address = "unix:path=/run/second-bus";
  const bus = pi.spawn(["dbus-daemon", "--system", "--nofork", "--nopidfile", `--address=${address}`]);
  await pi.until("the second bus", async () => (await pi.run(["test", "-S", "/run/second-bus"])).status === 0);
  const env = { DBUS_SYSTEM_BUS_ADDRESS: address };
  const agent = pi.spawn(["/usr/libexec/bluechi-agent", "-n", "second", "-H", "main"], env);
  for (const name of ["second", "pi"]) await cluster.online(name);
  await cluster.service("pi", "shared.service", "ExecStart=sleep infinity");
  expect((await cluster.ctl("start", "second", "shared.service")).stdout).toEndWith("result: done\n");
  expect((await cluster.ctl("status", "pi", "shared.service")).stdout).toContain("| active\t|");
  expect((await pi.run(["bluechi-is-online", "agent"], { env })).status).toBe(0);
  await agent.kill();
  expect(await agent.exited).toBe(0);
  expect((await pi.run(["bluechi-is-online", "agent"], { env })).status).toBe(1);
  expect((await pi.run(["bluechi-is-online", "agent"])).status).toBe(0);
  await bus.close();
});

test("a user who lingers has an agent, and proxies to what the system's units need", async () => {
  const home = "/home/person";
  const config = `${home}/.config/systemd/user`;
  await pi.sh("useradd --create-home person && loginctl enable-linger person");
  const uid = (await pi.sh("id -u person")).trim();
  const env = { XDG_RUNTIME_DIR: `/run/user/${uid}`, HOME: home };
  const person = (command: string) =>
    pi.run(["setpriv", `--reuid=${uid}`, "--clear-groups", `--regid=${uid}`, "sh", "-c", command], { env });
  await pi.until(
    "the user's systemd",
    async () => (await person("systemctl --user is-system-running --wait")).status === 0,
  );
  await pi.write(
    `${config}/bluechi-agent.service.d/name.conf`,
    "[Service]\nExecStart=\nExecStart=/usr/libexec/bluechi-agent --user -n person -H main\n",
  );
  const need = "Wants=bluechi-proxy@main_cdn.service\nAfter=bluechi-proxy@main_cdn.service";
  await pi.write(`${config}/own.service`, `[Unit]\n${need}\n[Service]\nExecStart=sleep infinity\n`);
  await cluster.service("main", "cdn.service", "[Unit]\nStopWhenUnneeded=yes\n[Service]\nExecStart=sleep infinity\n");
  expect(await person("systemctl --user daemon-reload && systemctl --user start bluechi-agent")).toMatchObject({
    status: 0,
  });
  await cluster.online("person");
  // Neither is in the other's way.
  await cluster.online("pi");
  const status = `busctl --user get-property ${agentName} ${rootPath} ${agentName} Status`;
  expect((await person(status)).stdout).toBe('s "online"\n');
  expect(await cluster.ctl("start", "person", "own.service")).toEqual({
    status: 0,
    stdout: "Unit own.service StartUnit operation result: done\n",
    stderr: "",
  });
  expect((await person("systemctl --user is-active own.service bluechi-proxy@main_cdn.service")).stdout).toBe(
    "active\nactive\n",
  );
  expect(await cluster.state("main", "cdn.service")).toBe("active");
  expect((await pi.run(["systemctl", "is-active", "own.service"])).stdout).toBe("inactive\n");
  expect((await cluster.ctl("stop", "person", "own.service")).status).toBe(0);
  await cluster.reaches("main", "cdn.service", "inactive");
  expect((await person("systemctl --user stop bluechi-agent")).status).toBe(0);
  await cluster.offline("person");
});
