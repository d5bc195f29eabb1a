import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { startTestBus, type TestBus } from "../../src/bus/test-bus.ts";
import { until } from "../testbed/until.ts";
import { FakeAgent } from "./fake-agent.ts";
import { Program, run } from "./program.ts";

let bus: TestBus;
let agent: FakeAgent | undefined;

beforeAll(async () => {
  bus = await startTestBus();
});
afterEach(() => {
  agent?.stop();
  agent = undefined;
});
afterAll(() => bus.kill());

const begin = (line: string) => new Program(["proxy", ...line.split(" ")], { DBUS_SYSTEM_BUS_ADDRESS: bus.address });
const proxy = (line: string) => begin(line).ended();
const said = (line: string) => ({ stdout: "", stderr: `${line}\n`, status: 1 });
const silent = { stdout: "", stderr: "", status: 0 };

test.each([
  ["create", "Not enough arguments specified"],
  ["make foo_bar.service", "Unsupported command make"],
  ["create foo-bar.service", "No underscore in unit name 'foo-bar.service'"],
  ["create _bar.service", "No node or no unit in unit name '_bar.service'"],
])("%s is refused", async (line, message) => {
  expect(await run(["proxy", ...line.split(" ")])).toEqual(said(message));
});

test("create and remove name the first word's node and the rest's unit", async () => {
  agent = await FakeAgent.start(bus.address);
  expect(await proxy("create foo_a_b.service")).toEqual(silent);
  expect(await proxy("remove foo_a_b.service")).toEqual(silent);
  const names = "bluechi-proxy@foo_a_b.service foo a_b.service";
  expect(agent.calls).toEqual([`CreateProxy ${names}`, `RemoveProxy ${names}`]);
});

test.each([
  [
    "create foo_bad.service",
    "Failed to activate bluechi-proxy@foo_bad.service (on foo): Proxy service failed to start",
  ],
  ["create foo_twice.service", "Failed to call CreateProxy: Proxy already exists"],
  ["remove foo_bad.service", "Failed to call RemoveProxy: Something is wrong"],
])("%s tells why it failed", async (line, message) => {
  agent = await FakeAgent.start(bus.address);
  expect(await proxy(line)).toEqual(said(message));
});

test("the user bus is another bus", async () => {
  agent = await FakeAgent.start(bus.address);
  const environment = { DBUS_SESSION_BUS_ADDRESS: bus.address, DBUS_SYSTEM_BUS_ADDRESS: "unix:path=/nowhere" };
  expect(await run(["proxy", "--user", "create", "foo_x.service"], environment)).toEqual(silent);
});

test("SIGTERM ends a pending create", async () => {
  agent = await FakeAgent.start(bus.address);
  const pending = begin("create foo_pending.service");
  await until("the call", () => agent?.calls.length);
  pending.kill("SIGTERM");
  await pending.ended();
  expect(pending.signal).toBe("SIGTERM");
});

test("an agent that dies ends a pending create", async () => {
  agent = await FakeAgent.start(bus.address);
  const pending = begin("create foo_pending.service");
  await until("the call", () => agent?.calls.length);
  agent.stop();
  const { stderr, status } = await pending.ended();
  expect(status).toBe(1);
  expect(stderr).toMatch(/^Failed to call CreateProxy: [^\n]+\n$/);
});

test("create waits for an agent that is restarting", async () => {
  const waiting = begin("create foo_x.service");
  await Bun.sleep(500);
  agent = await FakeAgent.start(bus.address);
  expect(await waiting.ended()).toEqual(silent);
});

test("create fails when no agent comes", async () => {
  const begun = performance.now();
  expect(await proxy("create foo_x.service")).toEqual(said("Failed to call CreateProxy: The name is not activatable"));
  expect(performance.now() - begun).toBeGreaterThan(5000);
});

test("without an agent there is nothing to remove", async () => {
  expect(await proxy("remove foo_x.service")).toEqual(silent);
});
