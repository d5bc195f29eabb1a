import { describe, expect, test } from "bun:test";
import { FakeClock } from "../../src/base/fake-clock.ts";
import { FakeSystemd } from "../../src/systemd/fake.ts";
import type { UnitFile } from "../../src/systemd/fake-unit.ts";
import { Recorder } from "./recorder.ts";
import { suiteUnits, systemdSuite } from "./suite.ts";

/** Lets time pass until a promise is settled. */
async function turn<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  let waiting = true;
  const done = () => {
    waiting = false;
  };
  promise.then(done, done);
  // Promises have their turn between two timers.
  for (await settled(); waiting; await settled()) {
    if (clock.nextMs === undefined) throw new Error("nothing is going to happen any more");
    clock.advance(clock.nextMs - clock.monotonicMs());
  }
  return promise;
}

const settled = () => new Promise(setImmediate);

const clock = new FakeClock();
const fake = new FakeSystemd(clock, suiteUnits);

systemdSuite("the fake systemd", {
  connect: async () => fake.connect(),
  wait: (promise) => turn(clock, promise),
  disconnect: async () => fake.disconnect(),
});

describe("units of the fake systemd that do what a test says", () => {
  async function begin(...files: UnitFile[]) {
    const ownClock = new FakeClock();
    const own = new FakeSystemd(ownClock, files);
    const systemd = own.connect();
    const recorder = new Recorder();
    systemd.listen(recorder);
    const heard = (what: string) => turn(ownClock, recorder.heard(what));
    return { clock: ownClock, fake: own, systemd, recorder, heard };
  }

  const proxy: UnitFile = {
    name: "bluechi-proxy@.service",
    type: "oneshot",
    remainAfterExit: true,
    stopWhenUnneeded: true,
  };

  test("a start lasts as long as its hook, and is told the instance", async () => {
    const started = Promise.withResolvers<void>();
    const instances: string[] = [];
    const { systemd, heard, recorder } = await begin(
      {
        ...proxy,
        onStart(instance) {
          instances.push(instance);
          return started.promise;
        },
      },
      { name: "user.service", requires: ["bluechi-proxy@n_web.service"], after: ["bluechi-proxy@n_web.service"] },
    );
    await systemd.startJob("start", "user.service", "replace");
    await heard("state bluechi-proxy@n_web.service activating/start");
    expect(instances).toEqual(["n_web"]);
    expect(recorder.all("state user.service active")).toEqual([]);
    started.resolve();
    await heard("state user.service active/running");
  });

  test("a hook that fails fails the start, and who requires it", async () => {
    const { systemd, heard } = await begin(
      { ...proxy, onStart: () => Promise.reject(new Error("refused")) },
      { name: "user.service", requires: ["bluechi-proxy@n_web.service"], after: ["bluechi-proxy@n_web.service"] },
    );
    const path = await systemd.startJob("start", "user.service", "replace");
    await heard("of bluechi-proxy@n_web.service failed");
    await heard(`job ${path} of user.service dependency`);
  });

  test("a stop aborts a start, and the stop's hook is for what was active", async () => {
    const stops: string[] = [];
    let aborted = false;
    const {
      systemd,
      heard,
      recorder,
      fake: own,
    } = await begin({
      ...proxy,
      stopWhenUnneeded: false,
      onStart: (_instance, signal) =>
        new Promise((_, reject) =>
          signal.addEventListener("abort", () => {
            aborted = true;
            reject(new Error("aborted"));
          }),
        ),
      onStop: async (instance) => void stops.push(instance),
    });
    const name = "bluechi-proxy@n_web.service";
    await systemd.startJob("start", name, "replace");
    await heard("activating/start");
    await systemd.startJob("stop", name, "replace");
    await heard(`of ${name} canceled`);
    await heard(`of ${name} done`);
    expect([aborted, stops]).toEqual([true, []]);
    own.define({ ...proxy, stopWhenUnneeded: false, onStop: async (instance) => void stops.push(instance) });
    await heard(`gone ${name}`);
    await systemd.startJob("start", name, "replace");
    await heard("active/exited");
    recorder.clear();
    await systemd.startJob("stop", name, "replace");
    await heard("deactivating/stop");
    await heard("inactive/dead");
    expect(stops).toEqual(["n_web"]);
  });

  test("the last user's end stops a proxy", async () => {
    const needs = { wants: ["bluechi-proxy@n_web.service"], after: ["bluechi-proxy@n_web.service"] };
    const { systemd, heard, recorder } = await begin(
      proxy,
      { name: "one.service", ...needs },
      { name: "two.service", ...needs },
    );
    for (const unit of ["one.service", "two.service"]) {
      await systemd.startJob("start", unit, "replace");
      await heard(`state ${unit} active`);
    }
    recorder.clear();
    await systemd.startJob("stop", "one.service", "replace");
    await heard("of one.service done");
    await heard("gone one.service");
    expect(recorder.all("state bluechi-proxy@n_web.service inactive")).toEqual([]);
    recorder.clear();
    await systemd.startJob("stop", "two.service", "replace");
    await heard("state bluechi-proxy@n_web.service inactive/dead");
  });

  test("a unit that exits takes the time it is given", async () => {
    const own = await begin({ name: "short.service", startMs: 100, exitsAfterMs: 5000, exitFails: true });
    await own.systemd.startJob("start", "short.service", "replace");
    await own.heard("state short.service active/running");
    expect(own.clock.monotonicMs()).toBe(100);
    await own.heard("state short.service failed/failed");
    expect(own.clock.monotonicMs()).toBe(5100);
  });

  test("what systemd goes on doing while nobody is connected is there afterwards", async () => {
    const own = await begin({ name: "slow.service", startMs: 1000 });
    await own.systemd.startJob("start", "slow.service", "replace");
    await own.heard("activating/start");
    own.fake.disconnect();
    expect(own.recorder.all("lost")).toEqual(["lost"]);
    const again = own.fake.connect();
    own.clock.advance(1000);
    await settled();
    expect(await again.unitState("slow.service")).toMatchObject({ activeState: "active", subState: "running" });
  });
});
