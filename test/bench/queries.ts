// Asking for what systemd knows on another host: by the controller, and directly.
import { controllerName, nodePath } from "../../src/api/names.ts";
import { nodeInterface } from "../../src/api/node.ts";
import type { Body } from "../../src/base/body.ts";
import type { BusConnection, Call } from "../../src/bus/connection.ts";
import { encodeBody } from "../../src/bus/marshal.ts";
import { unitPath } from "../../src/systemd/object-path.ts";
import type { Part } from "./report.ts";
import { inTurn, timed } from "./sample.ts";
import { service, type World } from "./world.ts";

const rounds = 300;
/** A system bus allows a connection to wait for 128 replies. */
const pipelined = 100;
const unitName = "org.freedesktop.systemd1.Unit";
const serviceName = "org.freedesktop.systemd1.Service";

type Ask = (member: string, body: Body) => Promise<unknown>;

export const queries: Part<World> = {
  name: "queries",
  async run(world) {
    const node = asking(await world.bus(world.main), controllerName, nodePath("node"), nodeInterface.name);
    const bus = await world.bus(world.node);
    const properties = asking(bus, systemdName, unitPath(service), "org.freedesktop.DBus.Properties");
    const manager = asking(bus, systemdName, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager");
    const property = {
      bluechi: () => node("GetUnitProperty", encodeBody("sss", [service, unitName, "ActiveState"])),
      systemd: () => properties("Get", encodeBody("ss", [unitName, "ActiveState"])),
    };
    const all = {
      bluechi: () => node("GetUnitProperties", encodeBody("ss", [service, serviceName])),
      systemd: () => properties("GetAll", encodeBody("s", [serviceName])),
    };
    const units = {
      bluechi: () => node("ListUnits", encodeBody("", [])),
      systemd: () => manager("ListUnits", encodeBody("", [])),
    };
    const rows = [
      await compare("GetUnitProperty", property, rounds),
      await compare(`GetUnitProperty, ${pipelined} at once, each`, property, rounds / 5, pipelined),
      await compare("GetUnitProperties of a service", all, rounds),
      await compare("Node.ListUnits", units, rounds / 3),
    ];
    return { title: "Queries, ms", columns: ["bluechi", "p99", "systemd", "p99", "added"], rows };
  },
};

const systemdName = "org.freedesktop.systemd1";

function asking(connection: BusConnection, destination: string, path: string, interfaceName: string): Ask {
  const call: Omit<Call, "member"> = { destination, path, interface: interfaceName };
  return (member, body) => connection.call({ ...call, member, body });
}

interface Ways {
  readonly bluechi: () => Promise<unknown>;
  readonly systemd: () => Promise<unknown>;
}

async function compare(what: string, ways: Ways, count: number, atOnce = 1): Promise<[string, ...number[]]> {
  const way = (ask: () => Promise<unknown>) => async () => {
    const time = await timed(() => Promise.all(Array.from({ length: atOnce }, ask)));
    return { time: time / atOnce };
  };
  const { time } = await inTurn({ bluechi: way(ways.bluechi), systemd: way(ways.systemd) }, count);
  const { bluechi, systemd } = time;
  return [what, bluechi.median, bluechi.p99, systemd.median, systemd.p99, bluechi.median - systemd.median];
}
