// What the daemons log, and where it goes: people grep for it.
import { afterAll, expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";

const cluster = await Cluster.start(["main", "pi"], { controller: "NodeHeartbeatThreshold=3000" });
const test = testsOn(cluster.lab);
const { main } = cluster;
const pi = cluster.host("pi");
const agent = "/usr/libexec/bluechi-agent";
const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}[+-]\d{4}`;

afterAll(() => cluster.close());

type Entry = Record<string, string>;

/** What a daemon has in the journal so far, as journald has stored it, without what systemd says of its unit. */
async function entries(host: typeof main, daemon: string): Promise<Entry[]> {
  const lines = await host.sh(`journalctl --sync; journalctl -b -o json -u ${daemon}`);
  const all: Entry[] = lines
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  return all.filter(({ _PID }) => _PID !== "1");
}

async function messages(host: typeof main, daemon: string): Promise<string[]> {
  return (await entries(host, daemon)).map(({ MESSAGE = "" }) => MESSAGE);
}

const has = (host: typeof main, daemon: string, text: string) =>
  host.until(`${daemon} to log ${text}`, async () =>
    (await messages(host, daemon)).some((line) => line.startsWith(text)),
  );

test("the journal has each entry once, with priority and name as fields", async () => {
  for (const daemon of ["bluechi-agent", "bluechi-controller"]) {
    const all = await entries(main, daemon);
    expect(all.filter(({ MESSAGE }) => MESSAGE?.startsWith(`Starting ${daemon} `))).toHaveLength(1);
    for (const entry of all) expect(entry).toMatchObject({ _TRANSPORT: "journal", SYSLOG_IDENTIFIER: daemon });
    const priority = (start: string) => all.find(({ MESSAGE }) => MESSAGE?.startsWith(start))?.PRIORITY;
    expect(priority("Starting")).toBe("6");
    expect(priority("Final configuration used:")).toBe("7");
  }
});

/** The line of the source that an entry names. */
function sourceOf({ CODE_FILE = "", CODE_LINE = "" }: Entry): string {
  const text = readFileSync(join(import.meta.dir, "../..", CODE_FILE), "utf8");
  return text.split("\n")[Number(CODE_LINE) - 1] ?? "";
}

test("each entry names the line of the source that has logged it, and the function", async () => {
  await has(main, "bluechi-controller", "Registered managed node from ");
  for (const daemon of ["bluechi-agent", "bluechi-controller"]) {
    for (const entry of await entries(main, daemon)) {
      expect(entry.CODE_LINE).toMatch(/^\d+$/);
      expect(sourceOf(entry)).toMatch(/\blog\??\.(debug|info|warn|error)\(/);
    }
  }
  const registered = (await entries(main, "bluechi-controller")).find(({ MESSAGE }) =>
    MESSAGE?.startsWith("Registered"),
  );
  expect(registered).toMatchObject({
    CODE_FILE: "src/roles/controller/controller.ts",
    CODE_FUNC: "Controller.connected",
  });
  expect(sourceOf(registered ?? {})).toContain("Registered managed node from");
});

test("a journald that is started again gets the next entries", async () => {
  await pi.sh("systemctl restart systemd-journald");
  await pi.sh("systemctl restart bluechi-agent");
  const before = (await entries(pi, "bluechi-agent")).length;
  await pi.sh("systemctl restart systemd-journald");
  await cluster.ctl("set-loglevel", "pi", "DEBUG");
  await pi.until("another entry", async () => (await entries(pi, "bluechi-agent")).length > before);
  expect((await entries(pi, "bluechi-agent")).at(-1)?._TRANSPORT).toBe("journal");
});

test("SetLogLevel says so, and takes effect in all parts", async () => {
  expect((await cluster.ctl("set-loglevel", "INFO")).status).toBe(0);
  await has(main, "bluechi-controller", "Log level changed to INFO");
  expect((await cluster.ctl("set-loglevel", "ERROR")).status).toBe(0);
  const before = (await messages(main, "bluechi-controller")).length;
  await pi.sh("systemctl restart bluechi-agent");
  expect(await messages(main, "bluechi-controller")).toHaveLength(before);
  expect((await cluster.ctl("set-loglevel", "DEBUG")).status).toBe(0);
});

test("registering, silence and its end are logged in the words that people know", async () => {
  await has(pi, "bluechi-agent", "Connecting to controller on tcp:host=main,port=842");
  await has(pi, "bluechi-agent", "Connected to controller as 'pi'");
  await has(main, "bluechi-controller", "Registered managed node from ");
  await pi.sh("systemctl kill -s SIGSTOP bluechi-agent");
  await has(main, "bluechi-controller", "Did not receive heartbeat from node 'pi' since '3000'ms. Disconnecting it...");
  await has(main, "bluechi-controller", "Node 'pi' disconnected");
  await pi.sh("systemctl kill -s SIGCONT bluechi-agent");
  await has(pi, "bluechi-agent", "Disconnected from controller");
  await has(pi, "bluechi-agent", "Trying to connect to controller (try 1)");
  await cluster.online("pi");
});

for (const [target, format] of [
  ["stderr", "\t: "],
  ["stderr-full", String.raw`\tsrc/roles/agent/link\.ts:\d+ Link\.#connect\tmsg="`],
] as const) {
  test(`${target} has its own format, and a name that is not known is refused in the known words`, async () => {
    await pi.sh("systemctl stop bluechi-agent");
    const running = pi.spawn([agent, "-n", "stranger"], { BC_LOG_TARGET: target });
    const line = await running.line("Registering as 'stranger' failed: Unexpected node name");
    expect(line).toMatch(new RegExp(`^${time} WARN${format}Agent connection attempt failed, retrying: Registering as`));
    await running.line("Trying to connect to controller (try 1)");
    await running.kill();
    expect(await running.exited).toBe(0);
    await pi.sh("systemctl start bluechi-agent");
    await cluster.online("pi");
  });
}
