// What bash, zsh and fish make of half-typed command lines, on terminals of a booted host.
import { afterAll, beforeAll, expect } from "bun:test";
import { testsOn } from "../testbed/host-test.ts";
import { patienceMs } from "../testbed/until.ts";
import { Cluster } from "./cluster.ts";

const cluster = await Cluster.start(["main", "pi"]);
const test = testsOn(cluster.lab);
const { main } = cluster;

beforeAll(async () => {
  await cluster.service("pi", "moon-phase.service", "ExecStart=sleep infinity");
  await cluster.service("pi", "odd\\x2dname@one:two.service", "ExecStart=sleep infinity");
  await cluster.host("pi").sh("systemctl start 'odd\\x2dname@one:two.service'");
});

afterAll(() => cluster.close());

/** How long a call waits for an answer by default: a completion waits far less. */
const busTimeoutMs = 25_000;

/** Lines that have one completion each, and what they become; a blank follows. */
const lines: Record<string, string> = {
  "bluechictl monit": "bluechictl monitor",
  "bluechictl enable --no-r": "bluechictl enable --no-reload",
  "bluechictl kill --kill-whom=con": "bluechictl kill --kill-whom=control",
  "bluechictl --color al": "bluechictl --color always",
  "bluechictl list-units p": "bluechictl list-units pi",
  "bluechictl status pi dbus.so": "bluechictl status pi dbus.socket",
  "bluechictl start pi moon": "bluechictl start pi moon-phase.service",
  "bluechictl monitor pi dbus.socket,moon": "bluechictl monitor pi dbus.socket,moon-phase.service",
  "bluechictl stop pi odd": "bluechictl stop pi odd\\\\x2dname@one:two.service",
  "bluechictl stop pi odd\\\\x2dname@one:t": "bluechictl stop pi odd\\\\x2dname@one:two.service",
  "bluechictl set-loglevel DEB": "bluechictl set-loglevel DEBUG",
  "bluechictl set-loglevel pi WA": "bluechictl set-loglevel pi WARN",
  "bluechictl metrics l": "bluechictl metrics listen",
  "bluechictl clus": "bluechictl cluster",
  "bluechictl cluster rotate-ca --fin": "bluechictl cluster rotate-ca --finish",
  "bluechictl node inv": "bluechictl node invite",
  "bluechictl node invite p": "bluechictl node invite pi",
  "bluechictl node invite --ttl=1h": "bluechictl node invite --ttl=1h",
  "bluechi-is-online sys": "bluechi-is-online system",
  "bluechi-is-online node ma": "bluechi-is-online node main",
};

/** How a shell is started that finds completions as it does for its users, and what it is told first. */
const shells: Record<string, readonly [command: string, first: string]> = {
  bash: ["bash --norc -i", ". /usr/share/bash-completion/completions/bluechictl"],
  zsh: ["zsh -f -i", "bindkey -e; autoload -U compinit; compinit -u"],
  fish: ["fish -i", "true"],
};

for (const [shell, [command, first]] of Object.entries(shells)) {
  test(`${shell} completes commands, options, nodes, units and levels`, async () => {
    // Keys go to the beginning and to the end of each line, so that it becomes a text for printf.
    const keys = Object.keys(lines).map((line) => `${line}\t\u0001printf '%s\\n' '\u0005' >>/root/${shell}\r`);
    await main.write("/root/keys", `${first}\r${keys.join("")}exit\r`);
    const script = `script --quiet --return --command '${command}' /dev/null </root/keys`;
    const env = { TERM: "xterm", HOME: "/root", BLUECHI_COMPLETION_MS: "10000" };
    await main.run(["sh", "-c", script], { env, timeoutMs: 2 * patienceMs });
    const completed = (await main.read(`/root/${shell}`)).split("\n").slice(0, -1);
    // In single quotes fish takes a backslash in front of another away.
    const expected = Object.values(lines).map((line) => (shell === "fish" ? line.replace("\\\\", "\\") : line));
    // zsh takes the blank back when a quote follows.
    expect(completed.map((line) => line.trimEnd())).toEqual(expected);
  });
}

test("fish tells what candidates are", async () => {
  const { stdout } = await main.run(["fish", "-c", "complete --do-complete='bluechictl set-'"]);
  expect(stdout).toBe(
    "set-default\tSet the default target of a node\nset-loglevel\tSet the log level of a node or of the controller\n",
  );
});

test("nodes and units are left out without a word while the controller is silent, and when it is gone", async () => {
  const typed = ["bluechictl start ''", "bluechictl start pi ''", "bluechi-is-online node ''"];
  const ask = async () => {
    for (const line of typed) {
      const started = performance.now();
      const { status, stdout, stderr } = await main.run(["sh", "-c", line.replace(" ", " complete ")]);
      expect({ line, status, stdout, stderr }).toEqual({ line, status: 0, stdout: "", stderr: "" });
      expect(performance.now() - started).toBeLessThan(busTimeoutMs);
    }
  };
  await main.sh("systemctl kill --signal=STOP bluechi-controller");
  await ask();
  await main.sh("systemctl kill --signal=CONT bluechi-controller; systemctl stop bluechi-controller");
  await ask();
  const { status, stdout } = await main.run([
    "sh",
    "-c",
    "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/gone bluechictl complete set-loglevel D",
  ]);
  expect({ status, stdout }).toEqual({ status: 0, stdout: "DEBUG\tLog level\n" });
});
