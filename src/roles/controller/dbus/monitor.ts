import { monitorInterface } from "../../../api/monitor.ts";
import { monitorPath } from "../../../api/names.ts";
import { ErrorName, Failure } from "../../../base/failure.ts";
import type { BusConnection, Watch } from "../../../bus/connection.ts";
import type { ObjectTree, Served } from "../../../bus/serve.ts";
import type { Monitor } from "../monitor.ts";
import type { Monitors } from "../monitors.ts";

/** The longest list of units in one subscription. */
const maxUnits = 4096;

/** A monitor on the bus. It is closed when its owner leaves the bus; peers that leave are forgotten. */
export class MonitorObject {
  readonly #served: Served<typeof monitorInterface>;
  readonly #connection: BusConnection;
  readonly #monitor: Monitor;
  readonly #owner: Watch;
  readonly #peers = new Map<number, Watch>();

  constructor(tree: ObjectTree, connection: BusConnection, monitors: Monitors, monitor: Monitor) {
    this.#connection = connection;
    this.#monitor = monitor;
    this.#owner = connection.watchName(monitor.owner, () => monitors.close(monitor));
    this.#served = tree.add(
      monitorPath(monitor.id),
      monitorInterface,
      {
        Close: () => monitors.close(monitor),
        Subscribe: ({ node, unit }) => ({ id: monitor.subscribe(node, [unit]) }),
        SubscribeList: ({ node, units }) => {
          if (units.length > maxUnits) throw new Failure(ErrorName.LimitsExceeded, `More than ${maxUnits} units`);
          return { id: monitor.subscribe(node, units) };
        },
        Unsubscribe: ({ id }) => monitor.unsubscribe(id),
        AddPeer: ({ name }) => ({ id: this.#addPeer(name) }),
        RemovePeer: ({ id, reason }) => {
          monitor.removePeer(id, reason);
          this.#forget(id);
        },
      },
      {},
    );
    monitor.listen({
      unitNew: (to, node, unit, reason) => this.#served.emit("UnitNew", { node, unit, reason }, to),
      unitRemoved: (to, node, unit, reason) => this.#served.emit("UnitRemoved", { node, unit, reason }, to),
      unitStateChanged: (to, node, unit, active_state, sub_state, reason) =>
        this.#served.emit("UnitStateChanged", { node, unit, active_state, sub_state, reason }, to),
      unitPropertiesChanged: (to, node, unit, interfaceName, props) =>
        this.#served.emit("UnitPropertiesChanged", { node, unit, interface: interfaceName, props }, to),
      peerRemoved: (to, reason) => this.#served.emit("PeerRemoved", { reason }, to),
    });
  }

  /** Takes the object off the bus. */
  remove(): void {
    this.#owner.cancel();
    for (const id of [...this.#peers.keys()]) this.#forget(id);
    this.#served.remove();
  }

  #addPeer(name: string): number {
    const id = this.#monitor.addPeer(name);
    const watch = this.#connection.watchName(name, () => {
      this.#monitor.peerGone(name);
      this.#forget(id);
    });
    this.#peers.set(id, watch);
    return id;
  }

  #forget(id: number): void {
    this.#peers.get(id)?.cancel();
    this.#peers.delete(id);
  }
}
