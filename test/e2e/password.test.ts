// Who is asked for a password on a terminal, and what becomes of the answers.
import { afterAll, beforeAll, expect } from "bun:test";
import { join } from "node:path";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";

const cluster = await Cluster.start(["main"]);
const test = testsOn(cluster.lab);
const { main } = cluster;
const unit = "password.service";
const what = `to start '${unit}' on node 'main' (org.eclipse.bluechi.manage-units)`;
const start = `bluechictl --color=never start main ${unit}`;
const started = `Unit ${unit} StartUnit operation result: done`;
const refused = (why: string) => `Failed to issue method call: ${why}`;

beforeAll(async () => {
  await main.write("/root/typist.py", await Bun.file(join(import.meta.dir, "clients/typist.py")).text());
  await cluster.service("main", unit, "ExecStart=sleep infinity");
  await main.sh(`
    printf 'u alice 3001\\nm alice bluechi\\ng sudo\\nu carol 3003\\nm carol sudo\\n' | systemd-sysusers -
    echo carol:right | chpasswd
    ln -s /usr/share/bluechi/dbus-1/org.eclipse.bluechi.{read,manage}.conf /etc/dbus-1/system.d/
    systemctl reload dbus`);
});

afterAll(() => cluster.close());

/** Runs a script on a terminal as somebody. @param answer prints what is typed as a password. @returns what was shown. */
async function onTerminal(user: string, script: string, ...answer: string[]): Promise<string[]> {
  const { stdout } = await main.run(["python3", "/root/typist.py", user, script, ...answer]);
  return Bun.stripANSI(stdout).replaceAll("\r\n", "\n").trimEnd().split("\n");
}

/** What a script says at its end of what was left behind on the terminal. */
const left = "stty -a | grep -ow -- '-*echo'; pgrep --exact --uid alice pkttyagent || echo no agent";
const inOrder = ["echo", "no agent"];

test("with an administrator's password a member starts a unit", async () => {
  const shown = await onTerminal("alice", `${start}; ${left}`, "echo right");
  expect(shown).toContain(`Authentication is required to start '${unit}' on node 'main'.`);
  expect(shown).toContain("Authenticating as: carol");
  expect(shown.slice(-3)).toEqual([started, ...inOrder]);
  expect(await cluster.state("main", unit)).toBe("active");
  await main.sh(`systemctl stop ${unit}`);
});

test("with a wrong one nothing is started", async () => {
  const shown = await onTerminal("alice", `${start}; ${left}`, "echo wrong");
  expect(shown.slice(-3)).toEqual([refused(`Access denied: polkit does not allow uid 3001 ${what}`), ...inOrder]);
  expect(await cluster.state("main", unit)).toBe("inactive");
});

const ends = [
  ["Ctrl-C", "printf '\\003'", 130],
  ["SIGTERM", "pkill -TERM --exact bluechictl", 143],
  ["SIGKILL", "pkill -KILL --exact bluechictl", 137],
] as const;

for (const [name, answer, status] of ends) {
  test(`${name} instead of a password ends the agent, too, and leaves the terminal in order`, async () => {
    // After SIGKILL nobody is left who could wait for the agent.
    const ended = name === "SIGKILL" ? "while pgrep --exact --uid alice pkttyagent; do sleep 0.1; done" : "true";
    const shown = await onTerminal("alice", `trap : INT; ${start}; echo "\nstatus $?"; ${ended}; ${left}`, answer);
    expect(shown.slice(-2)).toEqual(inOrder);
    expect(shown).toContain(`status ${status}`);
    expect(await cluster.state("main", unit)).toBe("inactive");
  });
}

test("nobody is asked with --no-ask-password, nor without a terminal", async () => {
  const denial = refused(`Interactive authentication is required ${what}, which the call does not allow`);
  expect(await onTerminal("alice", `${start} --no-ask-password`)).toEqual([denial]);
  expect(await onTerminal("alice", `${start} </dev/null 2>&1 | cat`)).toEqual([denial]);
});

test("without pkttyagent nobody can be asked", async () => {
  await main.sh("mv /usr/bin/pkttyagent /root/");
  const shown = await onTerminal("alice", start);
  await main.sh("mv /root/pkttyagent /usr/bin/");
  expect(shown).toEqual([refused(`Access denied: nobody could be asked for a password ${what}`)]);
});

test("an agent is started for what changes something only, and not for root", async () => {
  await main.write("/usr/local/bin/pkttyagent", "#!/bin/sh\necho an agent\n", 0o755);
  const [reads, changes] = ["bluechictl is-enabled main dbus.service", "bluechictl set-loglevel INFO"];
  expect(await onTerminal("alice", reads)).toEqual(["static"]);
  expect(await onTerminal("root", `${reads}; ${changes}`)).toEqual(["static"]);
  expect(await onTerminal("alice", `${reads}; ${changes}`)).toContain("an agent");
  await main.sh("rm /usr/local/bin/pkttyagent");
});
