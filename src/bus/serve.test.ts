import { afterAll, beforeAll, expect, test } from "bun:test";
import { emptyBody } from "../base/body.ts";
import { ErrorName, Failure } from "../base/failure.ts";
import type { MethodCall } from "./calls.ts";
import { client } from "./client.ts";
import { BusConnection } from "./connection.ts";
import { addressHeader, signalHeader } from "./headers.ts";
import { IncomingCall } from "./incoming-call.ts";
import { defineInterface } from "./interface.ts";
import { encodeBody } from "./marshal.ts";
import { type Message, MessageType } from "./message.ts";
import { type Caller, ObjectTree, type Served } from "./serve.ts";
import { startTestBus } from "./test-bus.ts";

const table = defineInterface({
  name: "org.example.Door",
  methods: {
    Open: { in: { how: "s", far: "u" }, out: { angle: "u", log: "a{sv}" } },
    Close: { in: {}, out: {} },
    Refuse: { in: {}, out: {} },
    Break: { in: {}, out: {} },
    Wait: { in: {}, out: {} },
  },
  signals: { Moved: { args: { angle: "u", log: "a{sv}" } } },
  properties: {
    Angle: { type: "u", emits: "change" },
    Maker: { type: "s", emits: "const" },
    Weight: { type: "t", emits: "explicit" },
  },
});

const bus = await startTestBus();
const server = await BusConnection.open(bus.address);
const caller = await BusConnection.open(bus.address);
const tree = new ObjectTree(server);
const log = new Map([["by", { signature: "s", value: "wind" }]]);
let release: (() => void)[] = [];
let door: Served<typeof table>;

beforeAll(async () => {
  await server.requestName("org.example");
  door = tree.add(
    "/org/example/door/a",
    table,
    {
      Open: ({ far }, caller) => {
        caller.afterReply(() => door.emit("Moved", { angle: far, log }, [caller.sender]));
        return { angle: far, log: encodeBody("a{sv}", [log]) };
      },
      Close: (_args, { body }) => void expect(body.signature).toBe(""),
      Refuse() {
        throw new Failure("org.example.Error.Locked", "It is locked.");
      },
      Break() {
        throw new Error("first line\nsecond line");
      },
      Wait: () => new Promise<void>((resolve) => void release.push(resolve)),
    },
    { Angle: () => 30, Maker: () => "Oak & Co", Weight: () => 20n },
  );
});

afterAll(async () => {
  await bus.kill();
});

const at = client(caller, "org.example", "/org/example/door/a", table);
const properties = "org.freedesktop.DBus.Properties";
const path = "/org/example/door/a";

/** The error that a call is answered with. */
async function refusal(path: string, name: string, member: string, signature = "", ...values: unknown[]) {
  const call = { destination: "org.example", path, interface: name, member, body: encodeBody(signature, values) };
  const failure = await caller.call(call).then(
    () => undefined,
    (error: Failure) => error,
  );
  return [failure?.errorName.split(".").at(-1), failure?.message];
}

async function output(...argv: string[]): Promise<string> {
  const { stdout, stderr } = Bun.spawn(argv, { stdout: "pipe", stderr: "pipe" });
  return (await new Response(stdout).text()) + (await new Response(stderr).text());
}

const busctl = (...args: string[]) => output("busctl", `--address=${bus.address}`, ...args);

test("a typed caller calls what is served", async () => {
  const moved = new Promise((resolve) => at.onSignal("Moved", resolve));
  await at.match();
  expect(await at.call("Open", { how: "wide", far: 90 })).toEqual({ angle: 90, log });
  expect(await moved).toEqual({ angle: 90, log });
  expect(await at.call("Close", {})).toEqual({});
  expect(await at.get("Weight")).toBe(20n);
  expect(await at.getAll()).toEqual({ Angle: 30, Maker: "Oak & Co" });
  const changed = new Promise((resolve) => at.onChanged(resolve));
  door.changed("Angle");
  expect(await changed).toEqual({ Angle: 30 });
});

test("what a handler wants done after its reply is done once, and after it, whatever becomes of the rest", async () => {
  const done: string[] = [];
  let call: ((call: MethodCall) => void) | undefined;
  const stub: Pick<BusConnection, "onCall"> = {
    onCall(handler) {
      call = handler;
    },
  };
  const work = defineInterface({ name: "a.b", methods: { Do: { in: {}, out: {} } }, signals: {}, properties: {} });
  const methods = {
    Do(_args: object, caller: Caller) {
      caller.afterReply(() => void done.push("one"));
      caller.afterReply(() => {
        throw new Failure(ErrorName.Failed, "malformed");
      });
      caller.afterReply(() => void done.push("two"));
    },
  };
  new ObjectTree(stub as BusConnection).add("/", work, methods, {});
  const answers = {
    reply: () => void done.push("reply"),
    error: (_caller: string, _serial: number, { message }: Failure) => void done.push(message),
  };
  const message = { type: MessageType.methodCall, flags: 0, serial: 1, sender: ":1.1", path: "/", interface: "a.b" };
  const incoming = { ...message, member: "Do", body: emptyBody } as Message;
  call?.(new IncomingCall(incoming, answers));
  await new Promise(setImmediate);
  expect(done).toEqual(["reply", "one", "two"]);
});

test("signals are believed of the name's owner only", async () => {
  const liar = await BusConnection.open(bus.address);
  const heard: number[] = [];
  at.onSignal("Moved", ({ angle }) => heard.push(angle));
  const { signature, bytes } = encodeBody("ua{sv}", [1, new Map()]);
  const header = signalHeader({ path, interface: table.name, member: "Moved", signature });
  liar.signalBy(addressHeader(header, caller.uniqueName), bytes, caller.uniqueName);
  await liar.call({ destination: "org.example", path, interface: table.name, member: "Close" });
  door.emit("Moved", { angle: 2, log: new Map() });
  await at.call("Close", {});
  expect(heard).toEqual([2]);
  liar.close();
});

test("an answer of another shape is not taken for the one expected", async () => {
  const other = defineInterface({
    ...table,
    methods: { Open: { in: { how: "s", far: "u" }, out: { angle: "s" } } },
    properties: { Angle: { type: "s", emits: "change" } },
  });
  const wrong = client(caller, "org.example", path, other);
  await expect(wrong.call("Open", { how: "", far: 1 })).rejects.toMatchObject({
    errorName: ErrorName.InvalidSignature,
  });
  await expect(wrong.get("Angle")).rejects.toMatchObject({ errorName: ErrorName.InvalidSignature });
});

test("errors are worded as sd-bus words them", async () => {
  const name = table.name;
  expect(await refusal(path, name, "Refuse")).toEqual(["Locked", "It is locked."]);
  expect(await refusal(path, name, "Break")).toEqual(["Failed", "first line"]);
  expect(await refusal("/nope", name, "Open")).toEqual(["UnknownObject", "Unknown object '/nope'."]);
  expect(await refusal("/org/example", name, "Open")).toEqual(["UnknownObject", "Unknown object '/org/example'."]);
  expect(await refusal(path, name, "toString")).toEqual([
    "UnknownMethod",
    "Unknown method toString or interface org.example.Door.",
  ]);
  expect(await refusal(path, "a.b", "Open")).toEqual(["UnknownMethod", "Unknown method Open or interface a.b."]);
  expect(await refusal(path, name, "Open", "u", 5)).toEqual([
    "InvalidArgs",
    "Invalid arguments 'u' to call org.example.Door.Open(), expecting 'su'.",
  ]);
  expect(await refusal(path, properties, "Get", "ss", name, "Nope")).toEqual([
    "UnknownProperty",
    "Unknown interface org.example.Door or property Nope.",
  ]);
  expect(await refusal(path, properties, "GetAll", "s", "a.b")).toEqual([
    "UnknownInterface",
    "Unknown interface 'a.b'.",
  ]);
  const value = { signature: "u", value: 1 };
  expect(await refusal(path, properties, "Set", "ssv", name, "Angle", value)).toEqual([
    "PropertyReadOnly",
    "Property 'Angle' is not writable.",
  ]);
  expect(await refusal("/", "org.freedesktop.DBus.Peer", "Nope")).toEqual([
    "UnknownMethod",
    "Unknown method 'Nope' on interface 'org.freedesktop.DBus.Peer'.",
  ]);
});

test("arguments of standard methods are looked at before the object", async () => {
  const name = table.name;
  const introspectable = "org.freedesktop.DBus.Introspectable";
  for (const place of [path, "/org/example", "/nope"]) {
    for (const [interfaceName, member, signature, values, text] of [
      [properties, "Get", "s", [name], "Expected interface and member parameters"],
      [properties, "Set", "su", [name, 1], "Expected interface and member parameters"],
      [properties, "GetAll", "", [], "Expected interface parameter"],
      [introspectable, "Introspect", "s", [name], "Expected no parameters"],
    ] as const)
      expect(await refusal(place, interfaceName, member, signature, ...values)).toEqual(["InvalidArgs", text]);
  }
  expect(await refusal(path, properties, "Set", "ss", name, "Angle")).toEqual([
    "PropertyReadOnly",
    "Property 'Angle' is not writable.",
  ]);
  for (const interfaceName of [properties, introspectable]) {
    expect(await refusal(path, interfaceName, "Nope")).toEqual([
      "UnknownMethod",
      `Unknown method Nope or interface ${interfaceName}.`,
    ]);
    expect(await refusal("/org/example", interfaceName, "Nope")).toEqual([
      "UnknownObject",
      "Unknown object '/org/example'.",
    ]);
  }
});

test("others find, read and call what is served", async () => {
  expect(await busctl("tree", "--list", "org.example")).toBe(
    "/\n/org\n/org/example\n/org/example/door\n/org/example/door/a\n",
  );
  const rows = (await busctl("introspect", "org.example", path, table.name)).replaceAll(/ +/g, " ").split("\n");
  for (const row of [
    ".Open method su ua{sv} -",
    ".Moved signal ua{sv} - -",
    ".Angle property u 30 emits-change",
    '.Maker property s "Oak & Co" const',
  ])
    expect(rows).toContain(row);
  expect(await busctl("call", "org.example", path, table.name, "Open", "su", "x", "7")).toBe(
    'ua{sv} 7 1 "by" s "wind"\n',
  );
  expect(await busctl("call", "org.example", "/any", "org.freedesktop.DBus.Peer", "GetMachineId")).toMatch(
    /^s "[0-9a-f]{32}"\n$/,
  );
  const dbusSend = ["dbus-send", `--bus=${bus.address}`, "--dest=org.example", "--print-reply=literal", path];
  expect(await output(...dbusSend, "org.freedesktop.DBus.Peer.Ping")).toBe("");
});

test("a call that names no interface finds the method when there is but one", async () => {
  const body = encodeBody("su", ["x", 5]);
  const call = { destination: "org.example", path, member: "Open", body };
  expect((await caller.call({ ...call, interface: "" })).body.signature).toBe("ua{sv}");
});

test("what is removed is gone, and its empty parents with it", async () => {
  const short = tree.add(
    "/org/example/short/b",
    { ...table, methods: {} },
    {},
    { Angle: () => 1, Maker: () => "", Weight: () => 1n },
  );
  expect(() =>
    tree.add(
      "/org/example/short/b",
      { ...table, methods: {} },
      {},
      { Angle: () => 1, Maker: () => "", Weight: () => 1n },
    ),
  ).toThrow("already served");
  expect(await busctl("tree", "--list", "org.example")).toContain("/org/example/short/b\n");
  short.remove();
  short.remove();
  expect(await busctl("tree", "--list", "org.example")).not.toContain("short");
});

test("a sender has no more than 1024 calls in progress, and others go on", async () => {
  const call = { destination: "org.example", path, interface: table.name, member: "Wait" };
  const waiting = Array.from({ length: 1024 }, () => caller.call(call));
  await expect(at.call("Close", {})).rejects.toMatchObject({ errorName: ErrorName.LimitsExceeded });
  const other = await BusConnection.open(bus.address);
  await other.call({ ...call, member: "Close" });
  for (const resolve of release) resolve();
  release = [];
  await Promise.all(waiting);
  await at.call("Close", {});
  other.close();
});
