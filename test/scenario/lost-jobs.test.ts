import { expect, test } from "bun:test";
import type { JobType } from "../../src/systemd/port.ts";
import { jobLostTimeoutMs, World } from "./world.ts";

const node = "pi";

async function setUp() {
  const world = new World([node], 1);
  const host = world.host(node);
  for (const file of [
    { name: "brief.service", startMs: 3000 },
    { name: "faulty.service", startMs: 3000, failsAtStart: true },
    { name: "slow.service", startMs: 60_000 },
  ]) {
    host.systemd.define(file);
  }
  await host.boot();
  await world.run(1000);
  const start = async (unit: string, type: JobType = "start") => {
    const known = world.controller.nodes.get(node);
    if (!known) throw new Error("no node");
    const asked = world.controller.startJob(known, type, unit, "replace");
    await world.run(100);
    world.controller.jobs.handle(await asked, { type: "accepted" });
  };
  const results = () => world.recorder.results.map(({ job, result }) => `${job.unit} ${result}`);
  return { world, host, start, results };
}

const ended = ["brief.service done", "faulty.service failed"];

test("jobs that end while the node is out of reach are told with their results when it is back", async () => {
  const { world, start, results } = await setUp();
  for (const unit of ["brief.service", "faulty.service", "slow.service"]) await start(unit);
  world.network.lose(node);
  await world.run(20_000);
  expect(world.controller.status).toBe("down");
  expect(results()).toEqual([]);
  world.network.heal(node);
  await world.run(5000);
  expect(world.controller.status).toBe("up");
  expect(results()).toEqual(ended);
  await world.run(40_000);
  expect(results()).toEqual([...ended, "slow.service done"]);
  expect(world.host(node).agent?.jobs.unconfirmed).toBe(0);
  expect(await world.close()).toBe(0);
});

test("jobs of a node that stays away end as failed, once", async () => {
  const { world, start, results } = await setUp();
  await start("brief.service");
  await start("slow.service");
  world.network.lose(node);
  await world.run(jobLostTimeoutMs + 8000);
  expect(results()).toEqual(["brief.service failed", "slow.service failed"]);
  world.network.heal(node);
  await world.run(60_000);
  expect(results().length).toBe(2);
  expect(world.host(node).agent?.jobs.unconfirmed).toBe(0);
  expect(world.recorder.mistakes).toEqual([]);
  expect(await world.close()).toBe(0);
});

test("an agent that was started anew finds the jobs that run, and judges those that have ended", async () => {
  const { world, host, start, results } = await setUp();
  for (const unit of ["brief.service", "faulty.service", "slow.service"]) await start(unit);
  await host.crash();
  await world.run(5000);
  await host.boot();
  await world.run(1000);
  expect(results()).toEqual(ended);
  expect(world.trace.join("\n")).toContain("its end was not seen, but the unit is active (running) now");
  await world.run(60_000);
  expect(results()).toEqual([...ended, "slow.service done"]);
  expect(await world.close()).toBe(0);
});

test("jobs survive that systemd is executed again", async () => {
  const { world, host, start, results } = await setUp();
  await start("brief.service");
  await start("slow.service");
  host.systemd.disconnect();
  await world.run(70_000);
  expect(results()).toEqual(["brief.service done", "slow.service done"]);
  expect(await world.close()).toBe(0);
});

test("a job ends with the boot that it was started in, whatever has its number now", async () => {
  const { world, host, start, results } = await setUp();
  await start("slow.service");
  await host.powerLoss();
  await host.systemd.connect().startJob("start", "slow.service", "replace");
  await host.boot();
  await world.run(1000);
  expect(results()).toEqual(["slow.service failed"]);
  expect(world.trace.join("\n")).toContain("the host has booted since");
  expect(await world.close()).toBe(0);
});

test("the next controller starts nothing twice and hears nothing of the jobs of the one before", async () => {
  const { world, host, start, results } = await setUp();
  await start("slow.service");
  world.restartController(false);
  await world.run(5000);
  await start("brief.service");
  await world.run(60_000);
  expect(results()).toEqual(["brief.service done"]);
  expect(world.recorder.mistakes).toEqual([]);
  expect(host.systemd.jobs.everAt("/org/freedesktop/systemd1/job/1")?.result).toBe("done");
  expect(host.systemd.jobs.everAt("/org/freedesktop/systemd1/job/3")).toBeUndefined();
  expect(await world.close()).toBe(0);
});
