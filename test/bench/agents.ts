// How long an agent takes from its exec until the controller tells that its node is online.
import { controllerName, nodePath } from "../../src/api/names.ts";
import { nodeInterface } from "../../src/api/node.ts";
import { systemClock } from "../../src/base/clock.ts";
import { client } from "../../src/bus/client.ts";
import type { Part } from "./report.ts";
import { inTurn } from "./sample.ts";
import type { World } from "./world.ts";

const rounds = 30;

export const agents: Part<World> = {
  name: "agents",
  async run(world) {
    const { node } = world;
    const api = client(await world.bus(world.main), controllerName, nodePath("node"), nodeInterface);
    let online = Promise.withResolvers<bigint>();
    api.onChanged(({ Status }) => {
      if (Status === "online") online.resolve(systemClock.monotonicUs());
    });
    await api.match();
    const agent = async () => {
      await node.sh("systemctl stop bluechi-agent");
      online = Promise.withResolvers();
      await node.sh("systemctl start bluechi-agent");
      const onlineUs = await online.promise;
      const execUs = BigInt((await node.sh("systemctl show -P ExecMainStartTimestampMonotonic bluechi-agent")).trim());
      return { time: Number(onlineUs - execUs) / 1000 };
    };
    const { time } = await inTurn({ agent }, rounds);
    return {
      title: "Agent, ms",
      columns: ["median", "p99"],
      rows: [["from its exec until its node is online", time.agent.median, time.agent.p99]],
    };
  },
};
