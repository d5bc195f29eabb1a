// An agent that hangs where heartbeats are switched off: nothing tells that it does, and still nobody waits for ever.
import { expect, test } from "bun:test";
import { emptyBody } from "../../src/base/body.ts";
import { ErrorName, type Failure } from "../../src/base/failure.ts";
import { managerInterface } from "../../src/systemd/manager-interface.ts";
import { Picture } from "./recorder.ts";
import { World } from "./world.ts";

/** Programs on the bus wait 25 s by default. */
const patienceMs = 24_000;

async function hung() {
  const world = new World(["pi", "nas"], 1, { intervalMs: 0, thresholdMs: 0 });
  for (const host of world.hosts) {
    host.systemd.define({ name: "a.service" });
    await host.boot();
  }
  await world.run(100);
  world.network.lose("pi");
  const [pi, nas] = ["pi", "nas"].map((name) => world.controller.admit(name));
  if (!pi || !nas) throw new Error("no nodes");
  return { world, pi, nas };
}

test("every question to it ends with an error that names the node", async () => {
  const { world, pi, nas } = await hung();
  const results: string[] = [];
  const note = (question: Promise<unknown>) =>
    question.then(
      () => results.push("answered"),
      ({ errorName, message }: Failure) => results.push(`${errorName}: ${message}`),
    );
  const methods = Object.keys(managerInterface.methods);
  for (const method of methods) void note(pi.callManager(method, emptyBody, ""));
  void note(pi.unitProperties("a.service", ""));
  void note(pi.unitProperty("a.service", "", "Id"));
  void note(pi.call("setLogLevel", { level: "INFO" }));
  void note(pi.call("stopDependency", { unit: "a.service" }));
  void note(world.controller.startJob(pi, "start", "a.service", "replace"));
  const job = world.controller.startJob(nas, "start", "a.service", "replace");
  await world.run(100);
  expect(results).toEqual([]);
  world.controller.jobs.handle(await job, { type: "accepted" });
  await world.run(patienceMs);
  const silent = "Node 'pi' has not answered within 20 s, but may still do what was asked";
  expect(results).toEqual(results.map(() => `${ErrorName.NoReply}: ${silent}`));
  expect(results).toHaveLength(methods.length + 5);
  expect(pi.online).toBe(true);
  expect(world.controller.jobs.size).toBe(0);
  world.network.heal("pi");
  await world.close();
});

test("who listens to it hears all once it goes on", async () => {
  const { world } = await hung();
  const picture = new Picture();
  world.controller.subscriptions.subscribe("pi", ["a.service"], picture);
  await world.run(patienceMs);
  expect(picture.told).toEqual([]);
  world.network.heal("pi");
  await world.run(100);
  const pi = world.host("pi").systemd;
  void pi.connect().startJob("start", "a.service", "replace");
  await world.run(100);
  expect(picture.units).toEqual(new Map([["pi a.service", "active"]]));
  await world.close();
});
