import { expect, test } from "bun:test";
import { emptyBody } from "../../base/body.ts";
import { FakeClock } from "../../base/fake-clock.ts";
import { Demand } from "../../systemd/demand.ts";
import { type UnitState, unloaded } from "../../systemd/port.ts";
import { type Tell, Units } from "./units.ts";

const unitInterface = "org.freedesktop.systemd1.Unit";

/** Units over a systemd whose answers the test gives. */
function setUp(listed: { unit: string; activeState: string; subState: string }[] = []) {
  const told: string[] = [];
  const asked = new Map<string, (state: UnitState) => void>();
  const systemd = {
    unitState: (unit: string) =>
      new Promise<UnitState>((resolve) => {
        asked.set(unit, resolve);
      }),
    listUnits: async () => listed,
  };
  const tell: Tell = (name, fields) => {
    const { unit, ...rest } = fields as { unit: string } & Record<string, unknown>;
    told.push([name, unit, rest.activeState, rest.subState].filter(Boolean).join(" "));
  };
  const demand = new Demand(() => {});
  const clock = new FakeClock();
  const units = new Units(systemd, clock, tell, demand.join());
  const change = (unit: string, activeState: string, subState: string) =>
    units.unitPropertiesChanged(unit, unitInterface, emptyBody, { activeState, subState });
  const answer = (unit: string, state: UnitState) => asked.get(unit)?.(state);
  return { units, demand, told, change, answer, clock };
}

const active: UnitState = { loaded: true, activeState: "active", subState: "running" };

test("nothing is told of units that nobody listens to", () => {
  const { units, told, change } = setUp();
  units.unitNew("a.service");
  change("a.service", "active", "running");
  units.unitRemoved("a.service");
  expect(told).toEqual([]);
});

test("a subscribed unit's events are told, its state only when it changes", async () => {
  const { units, told, change, answer } = setUp();
  const subscribed = units.subscribe("a.service");
  answer("a.service", active);
  expect(await subscribed).toEqual(active);
  change("a.service", "active", "running");
  change("b.service", "active", "running");
  change("a.service", "inactive", "dead");
  units.unitRemoved("a.service");
  units.unitNew("a.service");
  change("a.service", "inactive", "dead");
  expect(told).toEqual([
    "unitPropertiesChanged a.service",
    "unitStateChanged a.service inactive dead",
    "unitPropertiesChanged a.service",
    "unitRemoved a.service",
    "unitNew a.service",
    "unitPropertiesChanged a.service",
  ]);
});

test("what happens while systemd is asked is part of the answer", async () => {
  const { units, told, change, answer } = setUp();
  const subscribed = units.subscribe("a.service");
  units.unitNew("a.service");
  change("a.service", "active", "running");
  answer("a.service", unloaded);
  expect(await subscribed).toEqual(active);
  expect(told).toEqual([]);
  change("a.service", "failed", "failed");
  expect(told).toEqual(["unitStateChanged a.service failed failed", "unitPropertiesChanged a.service"]);
});

test("what is told before the answer is sent is in it", async () => {
  const { units, told, change, answer } = setUp();
  const subscribed = units.subscribe("a.service");
  answer("a.service", active);
  const state = await subscribed;
  change("a.service", "failed", "failed");
  expect(told).toContain("unitStateChanged a.service failed failed");
  expect({ ...state }).toEqual({ loaded: true, activeState: "failed", subState: "failed" });
  units.unitRemoved("a.service");
  expect({ ...state }).toEqual(unloaded);
});

test("all units, with the states that they have", async () => {
  const { units, told, change } = setUp([{ unit: "a.service", activeState: "active", subState: "running" }]);
  await units.subscribe("*");
  change("a.service", "active", "running");
  units.unitNew("b.service");
  change("b.service", "activating", "start");
  expect(told).toEqual([
    "unitPropertiesChanged a.service",
    "unitNew b.service",
    "unitStateChanged b.service activating start",
    "unitPropertiesChanged b.service",
  ]);
});

test("a new unit of which nothing else is told is asked for, as it may be active already", async () => {
  const listed: { unit: string; activeState: string; subState: string }[] = [];
  const { units, told, change, clock } = setUp(listed);
  await units.subscribe("*");
  for (const unit of ["mnt.mount", "told.service", "gone.mount", "again.mount", "idle.target"]) units.unitNew(unit);
  change("told.service", "activating", "start");
  units.unitRemoved("gone.mount");
  clock.advance(100);
  units.unitRemoved("again.mount");
  units.unitNew("again.mount");
  told.length = 0;
  for (const unit of ["mnt.mount", "told.service", "again.mount"])
    listed.push({ unit, activeState: "active", subState: "there" });
  listed.push({ unit: "idle.target", activeState: "inactive", subState: "dead" });
  await Promise.resolve();
  await Promise.resolve();
  expect(told).toEqual(["unitStateChanged mnt.mount active there"]);
  clock.advance(100);
  await Promise.resolve();
  await Promise.resolve();
  expect(told).toEqual(["unitStateChanged mnt.mount active there", "unitStateChanged again.mount active there"]);
  expect(clock.pending).toBe(0);
});

test("what listens to nothing any more asks for nothing", async () => {
  const { units, told, clock } = setUp([{ unit: "mnt.mount", activeState: "active", subState: "mounted" }]);
  await units.subscribe("*");
  units.unitNew("mnt.mount");
  units.clear();
  expect(clock.pending).toBe(0);
  expect(told).toEqual(["unitNew mnt.mount"]);
});

test("a subscription given up while systemd is asked stays given up", async () => {
  const { units, told, change, answer } = setUp();
  const subscribed = units.subscribe("a.service");
  units.unsubscribe("a.service");
  answer("a.service", active);
  await subscribed;
  change("a.service", "failed", "failed");
  expect(told).toEqual([]);
});

test("unsubscribe and clear end what is told", async () => {
  const { units, told, change } = setUp();
  await units.subscribe("*");
  units.unsubscribe("*");
  change("a.service", "active", "running");
  await units.subscribe("*");
  units.clear();
  change("a.service", "active", "running");
  expect(told).toEqual([]);
});

test("a list of units that comes after all was given up is not believed", async () => {
  const { units, told, change } = setUp([{ unit: "a.service", activeState: "active", subState: "running" }]);
  const late = units.subscribe("*");
  units.clear();
  await late;
  const again = units.subscribe("*");
  change("a.service", "failed", "failed");
  await again;
  change("a.service", "active", "running");
  expect(told.filter((line) => line.startsWith("unitState"))).toEqual([
    "unitStateChanged a.service failed failed",
    "unitStateChanged a.service active running",
  ]);
});

test("systemd is needed while any unit is listened to", async () => {
  const { units, demand, answer } = setUp();
  const subscribe = async (unit: string) => {
    const asked = units.subscribe(unit);
    expect(units.listensTo(unit)).toBe(true);
    answer(unit, active);
    await asked;
  };
  await subscribe("a.service");
  await units.subscribe("*");
  units.unsubscribe("a.service");
  expect([demand.any, units.listensTo("b.service")]).toEqual([true, true]);
  units.unsubscribe("*");
  expect([demand.any, units.listensTo("b.service")]).toEqual([false, false]);
  await subscribe("a.service");
  units.clear();
  expect([demand.any, units.listensTo("a.service")]).toEqual([false, false]);
});

test("a subscription that is given up while its permission is waited for tells nothing", async () => {
  const { units, told, change, answer } = setUp();
  const permission = Promise.withResolvers<void>();
  const given = units.subscribe("a.service", permission.promise);
  units.unsubscribe("a.service");
  permission.resolve();
  await permission.promise;
  answer("a.service", active);
  await given;
  change("a.service", "failed", "failed");
  expect(told).toEqual([]);
  const refused = Promise.reject(new Error("refused"));
  await expect(units.subscribe("a.service", refused)).rejects.toThrow("refused");
  expect(units.listensTo("a.service")).toBe(false);
});
