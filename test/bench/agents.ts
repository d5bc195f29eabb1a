// How long an agent takes from its exec until its node is online, and how long all agents are offline when the controller
// is killed.
import { controllerInterface } from "../../src/api/controller.ts";
import { controllerName, nodePath, rootPath } from "../../src/api/names.ts";
import { nodeInterface } from "../../src/api/node.ts";
import { systemClock } from "../../src/base/clock.ts";
import { client } from "../../src/bus/client.ts";
import type { BusConnection } from "../../src/bus/connection.ts";
import type { Interface } from "../../src/bus/interface.ts";
import type { Part } from "./report.ts";
import { interleaved, oneByOne, scaled } from "./sample.ts";
import type { World } from "./world.ts";

const starts = 30;
const kills = 6;
/** How long agents have to have been connected in order to come back soon. */
const lastingMs = 5200;
const maxReturnMs = 300;

export const agents: Part<World> = {
  name: "agents",
  async run(world) {
    const measures = { start: await starting(world), kill: await killing(world) };
    const { start } = (await interleaved({ agent: oneByOne(measures.start) }, { rounds: scaled(starts) })).agent.times;
    const { kill, exec } = (await interleaved({ all: oneByOne(measures.kill) }, { rounds: scaled(kills) })).all.times;
    return [
      {
        title: "Agents, ms",
        columns: ["median", "worst"],
        rows: [
          ["from an agent's exec until its node is online", start.median, start.at(1)],
          ["from the death of the controller until all agents are online", kill.median, kill.at(1)],
          ["from the exec of the next one until then", exec.median, exec.at(1)],
        ],
        checks: [{ what: "the return of all agents", value: exec.median, below: maxReturnMs, unit: "ms" }],
      },
    ];
  },
};

const nowMs = () => Number(systemClock.monotonicUs()) / 1000;

async function starting(world: World) {
  const { main, node, agent } = world;
  const online = await statusWatch(await world.bus(main), nodePath("node"), nodeInterface, "online");
  return async () => {
    await node.sh("systemctl stop bluechi-agent");
    const isOnline = online();
    await node.sh("systemctl start bluechi-agent");
    return { start: (await isOnline) - (await agent.execMs()) };
  };
}

async function killing(world: World) {
  const { main, controller } = world;
  const connection = await world.bus(main);
  const up = await statusWatch(connection, rootPath, controllerInterface, "up");
  return async () => {
    await Bun.sleep(lastingMs); // It is the age of the links that counts: no event tells that they have lasted.
    const gone = new Promise<number>((resolve) => connection.watchName(controllerName, () => resolve(nowMs())));
    const isUp = up();
    await main.sh("systemctl kill --signal=KILL bluechi-controller");
    const upMs = await isUp;
    return { kill: upMs - (await gone), exec: upMs - (await controller.execMs()) };
  };
}

/** Watches the status of an object of the controller. @returns what tells when the status is reached next, in ms. */
async function statusWatch(connection: BusConnection, path: string, table: Interface, wanted: string) {
  let reached = Promise.withResolvers<number>();
  const api = client(connection, controllerName, path, table);
  api.onChanged((changed: { readonly Status?: unknown }) => {
    if (changed.Status === wanted) reached.resolve(nowMs());
  });
  await api.match();
  return () => {
    reached = Promise.withResolvers();
    return reached.promise;
  };
}
