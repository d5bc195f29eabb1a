// What a call takes at the least: the runtime and the kernel by themselves, for what controller and agent do. Bytes pass from
// a unix socket on `main` to TCP, and on `node` from TCP to a unix socket, where they come back. There is no bus and no D-Bus.
import { join } from "node:path";
import { controllerName } from "../../src/api/names.ts";
import type { Host } from "../testbed/host.ts";
import { inside, type Meter, Process } from "./process.ts";
import { asked, inTurn, openQueries } from "./queries.ts";
import type { Row, Table } from "./report.ts";
import { atOnce, interleaved, oneByOne, scaled, timed, type Way } from "./sample.ts";
import type { World } from "./world.ts";

const rounds = 20;
const count = 50;
const pipelined = 500;

const program = join(import.meta.dir, "hop.ts");
const socketPath = "/run/bench-floor.sock";
const port = 8843;
/** Bytes of a message, about as many as a call has on the wire. */
const length = 64;
/** Messages on their way at once, as many as a Caller's. */
const window = 100;
const passed = `${length} bytes passed on`;

/** Measures a property beside that, and beside a call that the controller answers by itself. */
export async function floorOf(world: World): Promise<Table> {
  const floor = await openFloor(world);
  const { property } = await openQueries(world);
  const ping = asked(await world.caller(world.main), {
    destination: controllerName,
    path: "/",
    interface: "org.freedesktop.DBus.Peer",
    member: "Ping",
  });
  const options = { rounds: scaled(rounds), meter: { ...(await world.meter()), ...floor.meter } };
  const single = await interleaved(
    {
      GetUnitProperty: inTurn(property.bluechi),
      "Ping of the controller": inTurn(ping),
      [passed]: inTurn(() => floor.pass(1)),
      [`${passed}, after a property each`]: oneByOne(async () => {
        await property.bluechi();
        return { time: await timed(() => floor.pass(1)) };
      }),
    },
    { ...options, count },
  );
  const many = await interleaved(
    {
      "GetUnitProperty, pipelined": atOnce(property.bluechi),
      [`${passed}, pipelined`]: floor.passMany,
    },
    { ...options, count: pipelined },
  );
  floor.close();
  const rows = Object.entries({ ...single, ...many }).map(([what, { times, cpu }]): Row => {
    const own = what.startsWith(passed) ? [cpu.front, cpu.back] : [cpu.controller, cpu.agent, cpu.bus, cpu.systemd];
    return [what, times.time.median * 1000, times.time.p99 * 1000, ...own];
  });
  return {
    title: "What a call takes at the least, us",
    columns: ["time", "p99", "CPU: controller", "agent", "bus", "systemd"],
    rows,
  };
}

interface Floor {
  /** Those who pass on, in the places of controller and agent. */
  readonly meter: Meter<"front" | "back">;
  /** Has so many messages passed on in one piece, and back. */
  pass(messages: number): Promise<void>;
  readonly passMany: Way<"time">;
  close(): void;
}

async function openFloor({ main, node }: World): Promise<Floor> {
  // The runtime's switches, as the daemons have them.
  const switches = (await node.sh("systemctl show -P Environment bluechi-agent")).trim().split(" ");
  const hop = async (host: Host, ...places: string[]) => {
    const said = await host.spawn(["env", ...switches, process.execPath, program, ...places]).line("pid ");
    return [await Process.of(host, Number(said.split(" ")[1]))];
  };
  const wire = `${node.address} ${port}`;
  await hop(node, socketPath);
  const back = await hop(node, wire, socketPath);
  const front = await hop(main, socketPath, wire);
  let missing = 0;
  let arrived = () => {};
  const data = (_: unknown, bytes: Buffer) => {
    missing -= bytes.length;
    if (missing === 0) arrived();
  };
  const socket = await Bun.connect({ unix: `${await inside(main)}${socketPath}`, socket: { data } });
  const pass = (messages: number) =>
    new Promise<void>((resolve) => {
      missing = messages * length;
      arrived = resolve;
      socket.write(Buffer.alloc(missing));
    });
  return {
    meter: { front, back },
    pass,
    async passMany(messages) {
      const ms = await timed(async () => {
        for (let sent = 0; sent < messages; sent += window) await pass(window);
      });
      return { time: [ms / messages] };
    },
    close: () => void socket.end(),
  };
}
