// What keeps the daemons busy: jobs, monitors, units that start and stop.
import { controllerInterface } from "../../src/api/controller.ts";
import { monitorInterface } from "../../src/api/monitor.ts";
import { controllerName, rootPath } from "../../src/api/names.ts";
import { client } from "../../src/bus/client.ts";
import type { BusConnection } from "../../src/bus/connection.ts";
import type { Jobs } from "./job-clients.ts";
import { lane, lanes, many } from "./world.ts";

/** Does so many jobs, several at once, each a target's start or stop. */
export async function runJobs(jobs: Jobs, count: number): Promise<void> {
  await inLanes(count, (index, done) => jobs.run(done % 2 === 0 ? "start" : "stop", lane(index)));
}

/** Starts units at once, and stops them. @param first the number of the first one out of many. */
export async function startAndStopMany(jobs: Jobs, count: number, first = 0): Promise<void> {
  for (const type of ["start", "stop"] as const)
    await Promise.all(Array.from({ length: count }, (_, index) => jobs.run(type, many(first + index))));
}

/** Makes so many monitors that listen to a unit, and closes them. */
export async function runMonitors(connection: BusConnection, count: number): Promise<void> {
  await inLanes(count, async (index) => {
    const { call } = await openMonitor(connection, lane(index));
    await call("Close", {});
  });
}

/** Makes a monitor that listens to a unit. */
export async function openMonitor(connection: BusConnection, unit: string) {
  const controller = client(connection, controllerName, rootPath, controllerInterface);
  const { monitor: path } = await controller.call("CreateMonitor", {});
  const monitor = client(connection, controllerName, path, monitorInterface);
  await monitor.call("Subscribe", { node: "node", unit });
  return monitor;
}

async function inLanes(count: number, work: (lane: number, done: number) => Promise<unknown>): Promise<void> {
  const one = async (index: number) => {
    for (let done = 0; done < count / lanes; done++) await work(index, done);
  };
  await Promise.all(Array.from({ length: lanes }, (_, index) => one(index)));
}
