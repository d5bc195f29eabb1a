// Monitors: who hears what of which unit, for real and virtually, and as bluechictl shows it.
import { afterAll, afterEach, beforeAll, expect } from "bun:test";
import { controllerName } from "../../src/api/names.ts";
import { ErrorName } from "../../src/base/failure.ts";
import type { Variant } from "../../src/base/signature.ts";
import { decodeBody } from "../../src/bus/unmarshal.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";
import { Program, refusal } from "./program.ts";

const cluster = await Cluster.start(["main", "pi"]);
const test = testsOn(cluster.lab);
const { main } = cluster;
const pi = cluster.host("pi");
const unitInterface = "org.freedesktop.systemd1.Unit";

beforeAll(async () => {
  for (const name of ["seen.service", "other.service"]) {
    for (const host of [main, pi])
      await host.write(`/etc/systemd/system/${name}`, "[Service]\nExecStart=sleep infinity\n");
  }
  for (const host of [main, pi]) await host.sh("systemctl daemon-reload");
});

const programs: Program[] = [];

/** A program that is gone after the test. */
async function program(): Promise<Program> {
  const made = await Program.on(main);
  programs.push(made);
  return made;
}

/** A program with a monitor. Its texts are without the monitor's path. */
async function watcher() {
  const owner = await program();
  const { path, monitor } = await owner.monitor();
  const place = path.slice("/org/eclipse/bluechi/".length);
  return { owner, path, monitor, says: (text: string) => `${place} ${text}` };
}

afterEach(async () => {
  for (const made of programs.splice(0)) made.close();
  for (const host of [main, pi]) await host.run(["bash", "-c", "systemctl stop seen.service other.service"]);
  for (const name of ["seen.service", "other.service"]) await unloaded(name);
});

/** Waits until systemd has forgotten a unit, so that the next who looks hears it come. */
async function unloaded(unit: string): Promise<void> {
  for (const host of [main, pi]) {
    const list = `systemctl list-units --all --plain --no-legend '${unit}'`;
    await host.until(`${unit} to be unloaded`, async () => (await host.sh(list)) === "");
  }
}

afterAll(() => cluster.close());

test("bluechictl monitor shows a unit's life, line by line", async () => {
  const shown = main.spawn(["bluechictl", "monitor", "pi", "seen.service,other.service"]);
  expect(await shown.line(/./)).toMatch(/^Monitor path: \/org\/eclipse\/bluechi\/monitor\/\d+$/);
  expect(await shown.line(/./)).toBe("Subscribing to node 'pi' and unit 'seen.service'");
  expect(await shown.line(/./)).toBe("Subscribing to node 'pi' and unit 'other.service'");
  await pi.sh("systemctl start seen.service && systemctl stop seen.service");
  for (const line of [
    "\tUnit created (reason: real)",
    "\tUnit state changed (reason: real)",
    "\tActive: active (running)",
    `\tUnit properties changed (Interface: ${unitInterface})`,
    "\tActiveState: active",
    "\tSubState: running",
    "\tUnit state changed (reason: real)",
    "\tActive: inactive (dead)",
    "\tUnit removed (reason: real)",
  ]) {
    expect(await shown.line((text) => text === line)).toBe(line);
  }
  const heads = shown.lines.filter((line) => !/^(\t|Monitor|Subscribing)/.test(line));
  expect(new Set(heads)).toEqual(new Set(["[pi] seen.service"]));
  await shown.kill("SIGINT");
  expect(await shown.exited).toBe(0);
});

test("bluechictl monitor ends with 1 when the controller does", async () => {
  const shown = main.spawn(["bluechictl", "monitor"]);
  expect(await shown.line("Subscribing")).toBe("Subscribing to node '*' and unit '*'");
  await shown.line("\tUnit created (reason: virtual)");
  await main.sh("systemctl restart bluechi-controller");
  await shown.line("The controller has left the bus");
  expect(await shown.exited).toBe(1);
  for (const name of ["main", "pi"]) await cluster.online(name);
});

test("a look at a unit that is not loaded is seen, too", async () => {
  const { owner, monitor, says } = await watcher();
  await monitor.call("Subscribe", { node: "pi", unit: "seen.service" });
  await cluster.ctl("status", "pi", "seen.service");
  await owner.hears(says("UnitNew pi seen.service real"), says("UnitRemoved pi seen.service real"));
  expect(owner.all(/UnitStateChanged/)).toEqual([]);
});

/** Starts the unit, and returns when systemd has no more news of it: from 256 on there is some once its program is executed. */
async function startSeen(): Promise<void> {
  await pi.sh("systemctl start seen.service");
  const handedOff = "systemctl show -P ExecMainHandoffTimestampMonotonic seen.service";
  await pi.until("its program to be executed", async () => (await pi.sh(handedOff)).trim() !== "0");
}

test("whoever subscribes to a loaded unit is told what is so, virtually", async () => {
  await startSeen();
  const { owner, monitor, says } = await watcher();
  await monitor.call("Subscribe", { node: "pi", unit: "seen.service" });
  await owner.hears(says("UnitStateChanged pi seen.service active running virtual"));
  expect(owner.texts).toEqual([
    says("UnitNew pi seen.service virtual"),
    says("UnitStateChanged pi seen.service active running virtual"),
  ]);
});

test("a unit that is active as soon as it is there is told to be so, whoever listens to it and how", async () => {
  const named = await watcher();
  const all = await watcher();
  await named.monitor.call("Subscribe", { node: "pi", unit: "mnt-seen.mount" });
  await all.monitor.call("Subscribe", { node: "pi", unit: "*" });
  await all.owner.hears(all.says("UnitNew pi * virtual"));
  await pi.sh("mkdir -p /mnt/seen && mount -t tmpfs seen /mnt/seen");
  for (const { owner, says } of [named, all]) {
    await owner.hears(
      says("UnitNew pi mnt-seen.mount real"),
      says("UnitStateChanged pi mnt-seen.mount active mounted real"),
    );
  }
  const late = await watcher();
  await late.monitor.call("Subscribe", { node: "pi", unit: "mnt-seen.mount" });
  await late.owner.hears(late.says("UnitStateChanged pi mnt-seen.mount active mounted virtual"));
  await pi.sh("umount /mnt/seen");
  for (const { owner, says } of [named, all, late]) await owner.hears(says("UnitRemoved pi mnt-seen.mount real"));
});

test("any unit: each node that is online is introduced, then all that happens is told once", async () => {
  const { owner, monitor, says } = await watcher();
  await monitor.call("Subscribe", { node: "*", unit: "*" });
  await owner.hears(says("UnitNew main * virtual"));
  await owner.hears(says("UnitNew pi * virtual"));
  expect(owner.all(/virtual$/).length).toBe(2);
  await pi.sh("systemctl start seen.service");
  await main.sh("systemctl start other.service");
  const heard = (node: string, unit: string) => [
    says(`UnitNew ${node} ${unit} real`),
    says(`UnitStateChanged ${node} ${unit} active running real`),
  ];
  await owner.hears(...heard("pi", "seen.service"));
  await owner.hears(...heard("main", "other.service"));
  for (const text of [...heard("pi", "seen.service"), ...heard("main", "other.service")]) {
    expect(owner.all(text)).toEqual([text]);
  }
});

test("a subscription to one node hears nothing of another", async () => {
  const { owner, monitor, says } = await watcher();
  await monitor.call("Subscribe", { node: "main", unit: "seen.service" });
  await pi.sh("systemctl start seen.service");
  await main.sh("systemctl start seen.service");
  await owner.hears(says("UnitStateChanged main seen.service active running real"));
  expect(owner.all(/ pi /)).toEqual([]);
});

test("an unknown node or unit is no error, and silent", async () => {
  const { owner, monitor, says } = await watcher();
  await monitor.call("Subscribe", { node: "nowhere", unit: "*" });
  await monitor.call("Subscribe", { node: "nowhere", unit: "seen.service" });
  await monitor.call("Subscribe", { node: "pi", unit: "no-such.service" });
  await monitor.call("Subscribe", { node: "pi", unit: "seen.service" });
  await pi.sh("systemctl start seen.service");
  await owner.hears(says("UnitStateChanged pi seen.service active running real"));
  expect(owner.all(/nowhere|no-such/)).toEqual([]);
});

test("several subscriptions of one monitor give one signal for one event", async () => {
  const { owner, monitor, says } = await watcher();
  const ids = [];
  for (const [node, unit] of [
    ["pi", "seen.service"],
    ["*", "seen.service"],
    ["pi", "*"],
    ["*", "*"],
  ] as const) {
    ids.push((await monitor.call("Subscribe", { node, unit })).id);
  }
  expect(new Set(ids).size).toBe(ids.length);
  await pi.sh("systemctl start seen.service");
  await owner.hears(says("UnitStateChanged pi seen.service active running real"));
  await pi.sh("systemctl stop seen.service");
  await owner.hears(says("UnitRemoved pi seen.service real"));
  const life = owner.all(/Unit(New|StateChanged|Removed) pi seen.service .*real$/);
  // systemctl looks at a unit that it has stopped, which makes systemd load it again.
  const end = life.indexOf(says("UnitRemoved pi seen.service real"));
  expect(life.slice(0, end)).toEqual([
    says("UnitNew pi seen.service real"),
    says("UnitStateChanged pi seen.service active running real"),
    ...owner.all(/deactivating/),
    says("UnitStateChanged pi seen.service inactive dead real"),
  ]);
  for (const [index, text] of life.entries()) expect(text).not.toBe(life[index - 1] ?? "");
});

test("SubscribeList is one subscription to several units; Unsubscribe ends it", async () => {
  const { owner, monitor, says } = await watcher();
  const { id } = await monitor.call("SubscribeList", { node: "pi", units: ["seen.service", "other.service"] });
  await pi.sh("systemctl start seen.service other.service");
  await owner.hears(says("UnitStateChanged pi seen.service active running real"));
  await owner.hears(says("UnitStateChanged pi other.service active running real"));
  await monitor.call("Unsubscribe", { id });
  const control = await watcher();
  await control.monitor.call("Subscribe", { node: "pi", unit: "seen.service" });
  await control.owner.hears(control.says("UnitStateChanged pi seen.service active running virtual"));
  owner.clear();
  await pi.sh("systemctl stop seen.service other.service");
  await control.owner.hears(control.says("UnitStateChanged pi seen.service inactive dead real"));
  await owner.caughtUp();
  expect(owner.texts).toEqual([]);
});

test("the changed properties are systemd's own, after the state", async () => {
  const systemd = await Program.on(pi);
  programs.push(systemd);
  const path = "/org/freedesktop/systemd1/unit/seen_2eservice";
  const told: { interfaceName: string; values: Map<string, Variant> }[] = [];
  systemd.bus.onSignal((signal) => {
    if (signal.path !== path || signal.member !== "PropertiesChanged") return;
    const [interfaceName, values] = decodeBody(signal.body) as [string, Map<string, Variant>];
    told.push({ interfaceName, values });
  });
  await systemd.bus.addMatch({ type: "signal", path });
  const { owner, monitor } = await watcher();
  await monitor.call("Subscribe", { node: "pi", unit: "seen.service" });
  await pi.sh("systemctl start seen.service && systemctl stop seen.service");
  await owner.hears(/UnitStateChanged pi seen.service inactive dead real$/, /UnitPropertiesChanged/, /UnitRemoved/);
  await systemd.call("org.freedesktop.systemd1", "/", "org.freedesktop.DBus.Peer.Ping");
  const passedOn = owner.heard
    .filter(({ signal }) => signal.member === "UnitPropertiesChanged")
    .map(({ signal }) => {
      const [node, unit, interfaceName, values] = decodeBody(signal.body) as [
        string,
        string,
        string,
        Map<string, Variant>,
      ];
      expect([node, unit]).toEqual(["pi", "seen.service"]);
      return { interfaceName, values };
    });
  // systemd may tell one listener more changes than another, when it has not yet told of the unit: the last is the same.
  expect(passedOn.length).toBeGreaterThan(3);
  expect(passedOn).toEqual(told.slice(-passedOn.length));
  const states = owner.texts
    .map((text, index) => ({ text, index }))
    .filter(({ text }) => text.includes("UnitStateChanged"));
  for (const { index } of states)
    expect(owner.texts[index + 1]).toContain(`UnitPropertiesChanged pi seen.service ${unitInterface}`);
});

for (const [what, lose, recover] of [
  ["the agent stops", () => pi.sh("systemctl stop bluechi-agent"), () => pi.sh("systemctl start bluechi-agent")],
  ["the agent is killed", () => pi.sh("systemctl kill -s SIGKILL bluechi-agent"), async () => undefined],
  [
    "the node loses power",
    () => pi.kill(),
    async () => {
      await pi.start();
      await pi.sh("systemctl start bluechi-agent seen.service");
    },
  ],
] as const) {
  test(`${what}: units are told as gone, and are introduced again when the node is back`, async () => {
    await startSeen();
    const { owner, monitor, says } = await watcher();
    const all = await watcher();
    await owner.bus.addMatch({ type: "signal", sender: controllerName, pathNamespace: "/org/eclipse/bluechi/node" });
    await monitor.call("Subscribe", { node: "pi", unit: "seen.service" });
    await monitor.call("Subscribe", { node: "*", unit: "other.service" });
    await all.monitor.call("Subscribe", { node: "*", unit: "*" });
    await owner.hears(says("UnitStateChanged pi seen.service active running virtual"));
    await all.owner.hears(all.says("UnitNew main * virtual"));
    await all.owner.hears(all.says("UnitNew pi * virtual"));
    owner.clear();
    all.owner.clear();
    await lose();
    // An agent that was killed may be back already.
    await owner.hears("node/pi Status=offline");
    const gone = [
      says("UnitStateChanged pi seen.service inactive agent-offline virtual"),
      says("UnitRemoved pi seen.service virtual"),
      "node/pi Status=offline",
    ];
    expect(owner.texts.slice(0, gone.length)).toEqual(gone);
    await recover();
    await owner.hears(...gone, "node/pi Status=online", says("UnitNew pi seen.service virtual"));
    await owner.hears(/UnitStateChanged pi seen.service active running (virtual|real)$/);
    await all.owner.hears(
      all.says("UnitStateChanged pi * inactive agent-offline virtual"),
      all.says("UnitRemoved pi * virtual"),
      all.says("UnitNew pi * virtual"),
    );
    expect(owner.all(/other.service/)).toEqual([]);
    // And it listens for real again.
    await pi.sh("systemctl stop seen.service");
    await owner.hears(says("UnitStateChanged pi seen.service inactive dead real"));
    await all.owner.hears(all.says("UnitStateChanged pi seen.service inactive dead real"));
  });
}

test("peers hear what the owner hears, until they are removed", async () => {
  const { owner, monitor, says } = await watcher();
  const peer = await program();
  const stranger = await program();
  await monitor.call("Subscribe", { node: "pi", unit: "seen.service" });
  const { id } = await monitor.call("AddPeer", { name: peer.bus.uniqueName });
  await pi.sh("systemctl start seen.service");
  await peer.hears(says("UnitNew pi seen.service real"), says("UnitStateChanged pi seen.service active running real"));
  await monitor.call("RemovePeer", { id, reason: "no longer needed" });
  await peer.hears(says("PeerRemoved no longer needed"));
  peer.clear();
  await pi.sh("systemctl stop seen.service");
  await owner.hears(says("UnitStateChanged pi seen.service inactive dead real"));
  await peer.caughtUp();
  await stranger.caughtUp();
  expect(peer.texts).toEqual([]);
  expect(stranger.texts).toEqual([]);
  expect(owner.all(/PeerRemoved/)).toEqual([]);
});

for (const [what, leave] of [
  ["is closed", async ({ monitor }: Awaited<ReturnType<typeof watcher>>) => void (await monitor.call("Close", {}))],
  ["loses its owner", async ({ owner }: Awaited<ReturnType<typeof watcher>>) => owner.close()],
] as const) {
  test(`a monitor that ${what} tells its peers, and is gone`, async () => {
    const watching = await watcher();
    const peer = await program();
    await watching.monitor.call("Subscribe", { node: "pi", unit: "seen.service" });
    await watching.monitor.call("AddPeer", { name: peer.bus.uniqueName });
    await leave(watching);
    await peer.hears(watching.says("PeerRemoved monitor closed"));
    expect(await refusal(peer.call(controllerName, watching.path, "org.eclipse.bluechi.Monitor.Close"))).toBe(
      `${ErrorName.UnknownObject}: Unknown object '${watching.path}'.`,
    );
    const tree = await main.sh(`busctl tree --list ${controllerName}`);
    expect(tree.split("\n")).not.toContain(watching.path);
    expect(tree).toContain("/org/eclipse/bluechi/node/pi");
  });
}

test("others than the owner may call, and what is wrong is said as in the original", async () => {
  const { owner, monitor, path } = await watcher();
  const other = await program();
  const call = (method: string, signature = "", ...args: unknown[]) =>
    other.call(controllerName, path, `org.eclipse.bluechi.Monitor.${method}`, signature, ...args);
  await call("Subscribe", "ss", "pi", "seen.service");
  expect(await refusal(call("Unsubscribe", "u", 77))).toBe(`${ErrorName.Failed}: Subscription '77' not found`);
  expect(await refusal(call("RemovePeer", "us", 4711, "x"))).toBe(
    `${ErrorName.Failed}: Peer with ID '4711' not found.`,
  );
  const peer = other.bus.uniqueName;
  await call("AddPeer", "s", peer);
  for (const name of [peer, owner.bus.uniqueName]) {
    expect(await refusal(call("AddPeer", "s", name))).toBe(
      `${ErrorName.InvalidArgs}: Peer name '${name}' has already been added`,
    );
  }
  expect(await refusal(call("AddPeer", "s", "x"))).toBe(
    `${ErrorName.InvalidArgs}: Peer name 'x' is not a valid bus name`,
  );
  await call("AddPeer", "s", ":1.99999");
  expect(await refusal(call("Subscribe", "s", "pi"))).toContain(ErrorName.InvalidArgs);
  expect(await refusal(call("Nonsense"))).toContain(ErrorName.UnknownMethod);
  await pi.sh("systemctl start seen.service");
  await owner.hears(/UnitStateChanged pi seen.service active running real$/);
  await other.hears(/UnitStateChanged pi seen.service active running real$/);
  expect((await monitor.call("Subscribe", { node: "pi", unit: "x.service" })).id).toBeGreaterThan(0);
});
