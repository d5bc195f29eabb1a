import type { About } from "../../../api/gatekeeper.ts";
import { monitorInterface } from "../../../api/monitor.ts";
import { monitorPath } from "../../../api/names.ts";
import { ErrorName, Failure } from "../../../base/failure.ts";
import type { Log } from "../../../base/log.ts";
import type { Watch } from "../../../bus/calls.ts";
import type { BusConnection } from "../../../bus/connection.ts";
import type { ObjectTree, Served } from "../../../bus/serve.ts";
import type { Monitor } from "../monitor.ts";
import type { Monitors } from "../monitors.ts";

/** The longest list of units in one subscription. */
const maxUnits = 4096;

/** Why the monitor of an owner, or a peer, that would miss signals soon is told no more. */
const unread = "it does not read what it is sent";

/**
 * A monitor on the bus. It is closed when its owner leaves the bus, peers that leave are forgotten; so it goes with those,
 * too, that do not read: PeerRemoved is the last that they find, and nothing is missing before it.
 */
export class MonitorObject {
  readonly #served: Served<typeof monitorInterface>;
  readonly #connection: BusConnection;
  readonly #monitor: Monitor;
  readonly #log: Log;
  readonly #owner: Watch;
  readonly #peers = new Map<number, Watch>();

  constructor(tree: ObjectTree<About>, connection: BusConnection, monitors: Monitors, monitor: Monitor, log: Log) {
    const path = monitorPath(monitor.id);
    this.#log = log;
    this.#connection = connection;
    this.#monitor = monitor;
    const ownerGone = () => monitors.close(monitor);
    this.#owner = this.#watch(monitor.owner, ownerGone, () => {
      log.warn(`Monitor '${path}' of '${monitor.owner}' is closed: ${unread}`);
      this.#served.emit("PeerRemoved", { reason: unread }, [monitor.owner]);
      monitors.close(monitor);
    });
    this.#served = tree.add(
      path,
      monitorInterface,
      {
        Close: () => monitors.close(monitor),
        Subscribe: ({ node, unit }) => ({ id: monitor.subscribe(node, [unit]) }),
        SubscribeList: ({ node, units }) => {
          if (units.length > maxUnits) throw new Failure(ErrorName.LimitsExceeded, `More than ${maxUnits} units`);
          return { id: monitor.subscribe(node, units) };
        },
        Unsubscribe: ({ id }) => monitor.unsubscribe(id),
        AddPeer: ({ name }) => ({ id: this.addPeer(name) }),
        RemovePeer: ({ id, reason }) => {
          monitor.removePeer(id, reason);
          this.#forget(id);
        },
      },
      {},
      { owner: monitor.owner },
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

  /** Has a bus name hear the monitor, too. @returns the id of the peer. */
  addPeer(name: string): number {
    const id = this.#monitor.addPeer(name);
    const gone = () => {
      this.#monitor.peerGone(name);
      this.#forget(id);
    };
    const slow = () => {
      this.#log.warn(`Peer '${name}' of monitor '${monitorPath(this.#monitor.id)}' is removed: ${unread}`);
      this.#monitor.removePeer(id, unread);
      this.#forget(id);
    };
    this.#peers.set(id, this.#watch(name, gone, slow));
    return id;
  }

  #watch(name: string, gone: () => void, slow: () => void): Watch {
    const watches = [this.#connection.watchName(name, gone), this.#connection.watchReceiver(name, slow)];
    return {
      cancel: () => {
        for (const watch of watches) watch.cancel();
      },
    };
  }

  #forget(id: number): void {
    this.#peers.get(id)?.cancel();
    this.#peers.delete(id);
  }
}
