import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { startTestBus, type TestBus } from "../../src/bus/test-bus.ts";
import { FakeAgent } from "./fake-agent.ts";
import { FakeController } from "./fake-controller.ts";
import { Program, run } from "./program.ts";

let bus: TestBus;
let agent: FakeAgent | undefined;
let controller: FakeController | undefined;

beforeAll(async () => {
  bus = await startTestBus();
});
afterEach(() => {
  agent?.stop();
  controller?.stop();
  agent = controller = undefined;
});
afterAll(() => bus.kill());

const begin = (line: string) =>
  new Program(["is-online", ...line.split(" ")], { DBUS_SYSTEM_BUS_ADDRESS: bus.address });
const isOnline = (line: string) => begin(line).ended();
const online = { stdout: "", stderr: "", status: 0 };
const agentOffline = { stdout: "", stderr: "org.eclipse.bluechi.Agent is offline\n", status: 1 };
const systemOffline = { stdout: "", stderr: "org.eclipse.bluechi is offline\n", status: 1 };
/**
 * Longer than a program takes to start and to look for the first time, which nothing outside of it announces. On a machine
 * that takes longer the tests hold all the same: the program then finds what it would have been told.
 */
const startedMs = 300;
/** Far more than it takes until what is waited for comes. */
const longMs = 600_000;

test.each([
  ["node", "Too few arguments for method node"],
  ["agent foo", "Too many arguments for method agent"],
  ["agent --wait=soon", "Value 'soon' of option --wait is invalid"],
  ["agent --switch-timeout -1", "Value '-1' of option --switch-timeout is invalid"],
])("%s is refused", async (line, message) => {
  expect(await run(["is-online", ...line.split(" ")])).toEqual({ stdout: "", stderr: `${message}\n`, status: 1 });
});

test.each([
  ["nonsense", "Method nonsense not found\n"],
  ["-v", "bluechi-is-online: invalid option -- 'v'\nUnsupported option ?\n"],
])("%s is refused with the usage", async (line, stderr) => {
  expect(await isOnline(line)).toEqual({ stdout: expect.stringContaining("Usage"), stderr, status: 1 });
});

test("help and version are commands", async () => {
  expect(await isOnline("version")).toMatchObject({
    stdout: expect.stringMatching(/^bluechi-is-online version \S+\n$/),
    status: 0,
  });
  expect(await isOnline("help")).toEqual(await isOnline("-h"));
});

test.each(["agent", "agent --monitor", "node foo", "system"])("%s is offline when there is no daemon", async (line) => {
  expect(await isOnline(line)).toEqual(line.startsWith("agent") ? agentOffline : systemOffline);
});

test("agent", async () => {
  agent = await FakeAgent.start(bus.address);
  expect(await isOnline("agent")).toEqual(online);
  agent.status = "offline";
  expect(await isOnline("agent")).toEqual(agentOffline);
});

test("node", async () => {
  controller = await FakeController.start(bus.address);
  expect(await isOnline("node foo")).toEqual(online);
  expect(await isOnline("node gone")).toEqual(systemOffline);
  expect(await isOnline("node no")).toEqual(systemOffline);
});

test.each([
  ["up", online],
  ["degraded", systemOffline],
  ["down", systemOffline],
])("system with Status %s", async (status, expected) => {
  controller = await FakeController.start(bus.address);
  controller.status = status;
  expect(await isOnline("system")).toEqual(expected);
});

test("--wait takes all its time when nothing comes", async () => {
  const begun = performance.now();
  expect(await isOnline("agent --wait 500")).toEqual(agentOffline);
  expect(performance.now() - begun).toBeGreaterThan(500);
});

test("--wait returns when the daemon comes", async () => {
  const waiting = begin(`agent --wait ${longMs}`);
  await Bun.sleep(startedMs); // The program tells nothing before its first answer.
  agent = await FakeAgent.start(bus.address);
  expect(await waiting.ended()).toEqual(online);
});

test("--wait returns when the Status changes", async () => {
  controller = await FakeController.start(bus.address);
  const [node, system] = [begin(`node gone --wait=${longMs}`), begin(`system --wait ${longMs}`)];
  await controller.watched(2);
  controller.setOnline("gone", true);
  expect(await node.ended()).toEqual(online);
  controller.setStatus("up");
  expect(await system.ended()).toEqual(online);
});

test("--monitor runs until the Status changes", async () => {
  controller = await FakeController.start(bus.address);
  const monitor = begin("node foo --monitor");
  await controller.watched();
  controller.setOnline("foo", false);
  expect(await monitor.ended()).toEqual(systemOffline);
});

test("--monitor runs until the daemon leaves, after --wait too", async () => {
  const monitor = begin("agent --wait 5000 --monitor");
  await Bun.sleep(startedMs); // The program tells nothing before its first answer.
  agent = await FakeAgent.start(bus.address);
  await Bun.sleep(startedMs); // The program tells nothing before its first answer.
  agent.stop();
  expect(await monitor.ended()).toEqual(agentOffline);
});

test("--switch-timeout lets an agent switch its controller, and be offline so long", async () => {
  agent = await FakeAgent.start(bus.address);
  const patient = begin(`agent --monitor --switch-timeout ${longMs}`);
  const brief = begin("agent --monitor --switch-timeout 500");
  const strict = begin("agent --monitor");
  await agent.watched(3);
  agent.switchTo("tcp:host=127.0.0.2,port=842");
  agent.setStatus("offline");
  expect(await strict.ended()).toEqual(agentOffline);
  expect(await brief.ended()).toEqual(agentOffline);
  patient.kill("SIGTERM");
  await patient.ended();
  expect(patient.signal).toBe("SIGTERM");
});

test("--switch-timeout begins with the switch, and ends though the agent was online in between", async () => {
  agent = await FakeAgent.start(bus.address);
  const monitor = begin("agent --monitor --switch-timeout 500");
  await agent.watched();
  agent.switchTo("tcp:host=127.0.0.2,port=842");
  for (const status of ["offline", "online", "offline"]) agent.setStatus(status);
  expect(await monitor.ended()).toEqual(agentOffline);
});
