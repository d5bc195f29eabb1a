// bluechictl on a terminal of a host, for people.
import { afterAll, expect } from "bun:test";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";

const longName = "a-unit-with-a-name-that-leaves-no-room-for-its-state.service";
const cluster = await Cluster.start(["main", "pi"], { controller: "[node gone]\nAllowed=true" });
const test = testsOn(cluster.lab);
const { main } = cluster;
const pi = cluster.host("pi");

afterAll(() => cluster.close());

const [green, red, plain] = ["\u001B[32m", "\u001B[31m", "\u001B[0m"];

/** A shell script that runs another on a terminal of a size. */
const onTerminal = (columns: number, script: string) =>
  `script --quiet --return --command 'stty cols ${columns} rows 20; exec ${script}' /dev/null`;

async function shown(columns: number, script: string, env: Record<string, string> = {}): Promise<string[]> {
  const { stdout } = await main.run(["sh", "-c", onTerminal(columns, script)], { env });
  return stdout.replaceAll("\r\n", "\n").trimEnd().split("\n");
}

const ip = (address: string) => `::ffff:${address}`;
const width = Math.max(...[main, pi].map(({ address }) => ip(address).length));
const rule = "=".repeat(4 + 7 + width + 9 + 3 * 3);

test("the table of nodes is aligned and coloured", async () => {
  const row = (name: string, colour: string, state: string, address: string, seen: string) =>
    `${name.padEnd(4)} | ${colour}${state}${plain}${" ".repeat(7 - state.length)} | ${address.padEnd(width)} | ${seen}`;
  const table = [
    `NODE | STATE   | ${"IP".padEnd(width)} | LAST SEEN`,
    rule,
    row("main", green, "online", ip(main.address), "now"),
    row("pi", green, "online", ip(pi.address), "now"),
    row("gone", red, "offline", "", "never"),
  ];
  expect(await shown(80, "bluechictl status 2>/dev/null")).toEqual(table);
  const plainTable = table.map((line) => Bun.stripANSI(line));
  expect(await shown(80, "bluechictl status --color=never 2>/dev/null")).toEqual(plainTable);
  expect(await shown(80, "bluechictl status 2>/dev/null", { NO_COLOR: "1" })).toEqual(plainTable);
  expect(await shown(80, "bluechictl status --color=always 2>/dev/null", { NO_COLOR: "1" })).toEqual(table);
});

test("tables of units keep to the terminal's width, and cut no name", async () => {
  await cluster.service("pi", longName, "ExecStart=sleep infinity");
  const [head, line, ...rows] = await shown(60, `bluechictl --color=never status pi ${longName}`);
  expect(head).toBe("UNIT | LOADED | ACTIVE   | SUBSTATE | FREEZERSTATE | ENABLED");
  expect([line, rows[0]]).toEqual(["=".repeat(60), longName]);
  expect(rows[1]?.trim()).toBe("| loaded | inactive | dead     | running      | static");
  await pi.sh(`systemctl start ${longName}`);
  const list = await shown(50, "bluechictl --color=never list-units pi");
  expect(list[1]).toBe("=".repeat(50));
  expect(list.filter((text) => text.length > 50 && text.includes("|", 8))).toEqual([]);
  expect(list).toContain(`pi   | ${longName}`);
  await pi.sh(`systemctl stop ${longName}`);
});

test("a watch is written over itself, and Ctrl-C ends it well", async () => {
  const [typed, now] = ["/root/typed", "/root/now"];
  await main.sh(`mkfifo ${typed} ${now}`);
  const keyboard = main.spawn(["sh", "-c", `exec 3>${typed}; read line <${now}; printf '\\003' >&3; sleep infinity`]);
  const command = onTerminal(80, "bluechictl --color=never status -w");
  const watch = main.spawn(["sh", "-c", `${command} <${typed}; echo ended $?`]);
  await watch.line(/^pi +\| online/);
  await pi.sh("systemctl stop bluechi-agent");
  await watch.line(/^pi +\| offline/);
  await pi.sh("systemctl start bluechi-agent");
  await watch.line(/^pi +\| online/);
  await main.sh(`echo >${now}`);
  expect(await watch.line("ended")).toEndWith("ended 0");
  const text = watch.lines.join("\n");
  expect(text).not.toContain("\u001B[2J");
  const frames = text.split("\u001B[?2026h\u001B[HNODE").slice(1);
  expect(frames.length).toBeGreaterThan(2);
  for (const frame of frames) expect(frame).toContain("\u001B[J\u001B[?2026l");
  await keyboard.close();
  await cluster.online("pi");
});
