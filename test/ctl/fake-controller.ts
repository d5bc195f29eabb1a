import { controllerInterface } from "../../src/api/controller.ts";
import { metricsInterface } from "../../src/api/metrics.ts";
import { monitorInterface } from "../../src/api/monitor.ts";
import { controllerName, jobPath, metricsPath, monitorPath, nodePath, rootPath } from "../../src/api/names.ts";
import { nodeInterface } from "../../src/api/node.ts";
import { ErrorName, Failure } from "../../src/base/failure.ts";
import type { ValueOf, Variant } from "../../src/base/signature.ts";
import { BusConnection } from "../../src/bus/connection.ts";
import type { Interface } from "../../src/bus/interface.ts";
import { type Implementation, ObjectTree, type Served } from "../../src/bus/serve.ts";
import { until } from "../testbed/until.ts";
import { Reads } from "./reads.ts";

type Unit = ValueOf<"(ssssssouso)">;

const text = (value: string): Variant => ({ signature: "s", value });
const unitRow = (id: string, active: string, sub: string): Unit => [
  id,
  "",
  "loaded",
  active,
  sub,
  "",
  "/u",
  0,
  "",
  "/",
];

/** The units that every node of the fake has, with the properties that a status shows. */
const unitProperties: Record<string, string[]> = {
  "bluechi-webservice.service": ["loaded", "active", "running", "running", "static"],
  "x.service": ["loaded", "inactive", "dead", "running", "disabled"],
  "init.scope": ["loaded", "active", "running", "running", ""],
};
const propertyNames = ["LoadState", "ActiveState", "SubState", "FreezerState", "UnitFileState"];

const unitFiles: ValueOf<"a(ss)"> = [
  ["/usr/lib/systemd/system/dbus.service", "static"],
  ["/usr/lib/systemd/system/x.service", "enabled-runtime"],
];

interface FakeNode {
  online: boolean;
  readonly ip: string;
  readonly lastSeenUs: bigint;
  served?: Served<typeof nodeInterface>;
}

const systemd = (name: string, message: string) => new Failure(`org.freedesktop.systemd1.${name}`, message);

/** A controller that serves the real tables, with answers that are written down here. */
export class FakeController {
  readonly nodes: Record<string, FakeNode> = {
    foo: { online: true, ip: "::ffff:10.78.1.12", lastSeenUs: 1n },
    gone: { online: false, ip: "", lastSeenUs: 0n },
    "a-node-with-a-name-that-is-longer-than-its-column": {
      online: false,
      ip: "",
      lastSeenUs: BigInt(Date.UTC(2026, 10, 22, 13, 56, 59, 207)) * 1000n,
    },
  };
  /** The calls that came, as `METHOD argument argument`. */
  readonly calls: string[] = [];
  status = "degraded";
  /** How many more units there are on a node. */
  moreUnits = 0;
  #metrics = false;
  #jobs = 0;
  #monitors = 0;
  readonly #connection: BusConnection;
  readonly #tree: ObjectTree;
  readonly #reads = new Reads();
  readonly #controller: Served<typeof controllerInterface>;
  readonly #monitorOwners = new Map<Served<typeof monitorInterface>, string>();
  readonly metrics: Served<typeof metricsInterface>;

  private constructor(connection: BusConnection) {
    this.#connection = connection;
    this.#tree = new ObjectTree(connection);
    this.#controller = this.#tree.add(rootPath, controllerInterface, this.#controllerMethods(), {
      LogLevel: () => "INFO",
      LogTarget: () => "stderr",
      Status: () => this.#reads.note(this.status),
    });
    this.metrics = this.#tree.add(metricsPath, metricsInterface, {}, {});
    for (const [name, node] of Object.entries(this.nodes)) {
      node.served = this.#tree.add(nodePath(name), nodeInterface, this.#nodeMethods(name, node), {
        Name: () => name,
        Status: () => this.#reads.note(node.online ? "online" : "offline"),
        PeerIp: () => node.ip,
        LastSeenTimestamp: () => node.lastSeenUs,
        LastSeenTimestampMonotonic: () => 0n,
      });
    }
  }

  static async start(address: string): Promise<FakeController> {
    const controller = new FakeController(await BusConnection.open(address));
    await controller.#connection.requestName(controllerName);
    return controller;
  }

  /** Leaves the bus. */
  stop(): void {
    this.#connection.close();
  }

  /** Returns once a Status has been told so often: who asked for it hears of its changes from now on. */
  async watched(times = 1): Promise<void> {
    await this.#reads.reach(times);
    // The bus has passed on the answers once it answers itself.
    await this.#connection.requestName(controllerName);
  }

  /** Returns once a call, written as in `calls`, has been answered. */
  async answered(call: string): Promise<void> {
    await until(call, () => this.calls.includes(call));
    await this.#connection.requestName(controllerName);
  }

  setOnline(name: string, online: boolean): void {
    const node = this.nodes[name]!;
    node.online = online;
    node.served?.changed("Status");
  }

  setStatus(status: string): void {
    this.status = status;
    this.#controller.changed("Status");
  }

  /** Sends a signal of every monitor to the monitor's owner. */
  tell: Served<typeof monitorInterface>["emit"] = (signal, args) => {
    for (const [monitor, owner] of this.#monitorOwners) monitor.emit(signal, args, [owner]);
  };

  #recorded<I extends Interface>(table: I, methods: Implementation<I>): Implementation<I> {
    const recorded = Object.keys(table.methods).map((name) => [
      name,
      (args: Record<string, unknown>, caller: never) => {
        this.calls.push([name, ...Object.values(args).map(String)].join(" "));
        return methods[name as keyof typeof methods](args as never, caller);
      },
    ]);
    return Object.fromEntries(recorded);
  }

  #controllerMethods(): Implementation<typeof controllerInterface> {
    return this.#recorded(controllerInterface, {
      ListUnits: () => ({
        units: new Map([
          ["foo", [unitRow("x.service", "inactive", "dead"), unitRow("init.scope", "active", "running")]],
        ]),
      }),
      ListUnitFiles: () => ({ unitfiles: new Map([["foo", unitFiles]]) }),
      ListNodes: () => ({
        nodes: Object.entries(this.nodes).map(([name, { online, ip }]) => [
          name,
          nodePath(name),
          online ? "online" : "offline",
          online ? ip : "",
        ]),
      }),
      GetNode: ({ name }) => ({ path: nodePath(name) }),
      CreateMonitor: (_, { sender }) => ({ monitor: this.#createMonitor(sender) }),
      SetLogLevel: ({ loglevel }) => {
        if (loglevel === "BOGUS") throw new Failure(ErrorName.InvalidArgs, "Invalid input for log level");
      },
      EnableMetrics: () => this.#setMetrics(true),
      DisableMetrics: () => this.#setMetrics(false),
    });
  }

  #createMonitor(owner: string): string {
    const path = monitorPath(++this.#monitors);
    let subscriptions = 0;
    const methods = this.#recorded(monitorInterface, {
      Close: () => {},
      Subscribe: () => ({ id: ++subscriptions }),
      Unsubscribe: () => {},
      SubscribeList: () => ({ id: ++subscriptions }),
      AddPeer: () => ({ id: 0 }),
      RemovePeer: () => {},
    });
    this.#monitorOwners.set(this.#tree.add(path, monitorInterface, methods, {}), owner);
    return path;
  }

  #setMetrics(wanted: boolean): void {
    if (this.#metrics === wanted) {
      const state = wanted ? "enabled" : "disabled";
      throw new Failure(ErrorName.InconsistentMessage, `Metrics already ${state}`);
    }
    this.#metrics = wanted;
  }

  #nodeMethods(name: string, node: FakeNode): Implementation<typeof nodeInterface> {
    const real = this.#onlineMethods(name);
    const guarded = Object.entries(real).map(([method, run]) => [
      method,
      (...given: never[]) => {
        if (!node.online) throw new Failure(ErrorName.Offline, "Node is offline");
        return (run as (...args: never[]) => unknown)(...given);
      },
    ]);
    return this.#recorded(nodeInterface, Object.fromEntries(guarded));
  }

  #onlineMethods(node: string): Implementation<typeof nodeInterface> {
    const job = ({ name }: { name: string }) => ({ job: this.#job(node, name) });
    const known = ({ name }: { name: string }) => {
      if (!(name in unitProperties)) throw systemd("NoSuchUnit", `Unit ${name} not loaded.`);
    };
    const change = ({ files }: { files: string[] }, type: string): ValueOf<"a(sss)"> => {
      if (files.includes("none.service")) return [];
      if (files.includes("y.service"))
        throw new Failure(`org.freedesktop.DBus.Error.FileNotFound`, "Unit y.service does not exist");
      return files.map((file) => [type, `/etc/${file}`, type === "symlink" ? `/usr/${file}` : ""]);
    };
    return {
      StartUnit: job,
      StopUnit: job,
      RestartUnit: job,
      ReloadUnit: job,
      StartTransientUnit: () => ({ job: "/" }),
      FreezeUnit: known,
      ThawUnit: known,
      KillUnit: known,
      ResetFailed: () => {},
      ResetFailedUnit: known,
      GetUnitProperties: ({ name }) => ({ props: propertiesOf(name) }),
      GetUnitProperty: () => ({ value: text("") }),
      SetUnitProperties: () => {},
      EnableUnitFiles: (args) => ({
        carries_install_info: !args.files.includes("none.service"),
        changes: change(args, "symlink"),
      }),
      DisableUnitFiles: (args) => ({ changes: change(args, "unlink") }),
      GetUnitFileState: ({ file }) => {
        const state = { "x.service": "disabled", "m.service": "masked", "init.scope": "static" }[file];
        if (!state) throw new Failure("org.freedesktop.DBus.Error.FileNotFound", "No such file or directory");
        return { state };
      },
      Reload: () => {},
      ListUnits: () => ({
        units: [
          unitRow("x.service", "inactive", "dead"),
          ...Array.from({ length: this.moreUnits }, (_, index) => unitRow(`u${index}.service`, "active", "running")),
        ],
      }),
      ListUnitFiles: () => ({ unitfiles: unitFiles }),
      GetDefaultTarget: () => ({ defaulttarget: "graphical.target" }),
      SetDefaultTarget: ({ defaulttarget }) => ({
        out:
          defaulttarget === "same.target"
            ? []
            : [
                ["unlink", "/etc/default.target", ""],
                ["symlink", "/etc/default.target", `/usr/${defaulttarget}`],
              ],
      }),
      SetLogLevel: () => {},
    };
  }

  /** The unit's name tells how its job goes. */
  #job(node: string, unit: string): string {
    if (unit === "nosuch.service") throw systemd("NoSuchUnit", "Unit nosuch.service not found.");
    const id = ++this.#jobs;
    const job = jobPath(id);
    const end = () => {
      const result = unit === "bad.service" ? "failed" : "done";
      this.#controller.emit("JobRemoved", { id, job, node, unit, result });
    };
    if (unit === "early.service") end();
    else if (unit === "leaving.service") setTimeout(() => this.stop(), 100);
    else setTimeout(end, 20);
    return job;
  }
}

function propertiesOf(unit: string): Map<string, Variant> {
  const values = unitProperties[unit] ?? ["not-found", "inactive", "dead", "running", ""];
  const properties = new Map([["Id", text(unit)]]);
  for (const [index, name] of propertyNames.entries()) properties.set(name, text(values[index] ?? ""));
  return properties;
}
