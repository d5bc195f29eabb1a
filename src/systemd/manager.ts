import { type Body, emptyBody } from "../base/body.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { ErrorName, Failure } from "../base/failure.ts";
import { escapeAddress, systemBusAddress, userBusAddress } from "../bus/address.ts";
import { BusConnection, type Refusal, type Reply } from "../bus/connection.ts";
import { followOwner } from "../bus/driver.ts";
import { encodeBody } from "../bus/marshal.ts";
import { decodeFirst } from "../bus/unmarshal.ts";
import { checkManagerCall, managerInterface, noSuchUnit } from "./manager-interface.ts";
import { unitPath } from "./object-path.ts";
import { type JobType, jobMethods, type Systemd, type SystemdListener, unloaded } from "./port.ts";
import { statesOf } from "./properties.ts";
import { matchRules, SystemdSignals } from "./signals.ts";

const busName = "org.freedesktop.systemd1";
const managerPath = "/org/freedesktop/systemd1";
const jobName = "org.freedesktop.systemd1.Job";
const unitName = "org.freedesktop.systemd1.Unit";
const propertiesName = "org.freedesktop.DBus.Properties";

const timeoutMs = 25_000;
/** These read all unit files again, which takes a slow host its time; systemctl waits as long. */
const reloadTimeoutMs = 90_000;
const slowMethods = new Set(["Reload", "EnableUnitFiles", "DisableUnitFiles", "SetDefaultTarget", "ListUnitFiles"]);

export interface ManagerOptions {
  /** The systemd of this user, instead of the system's. */
  readonly user?: boolean;
  readonly clock?: Clock;
}

/** Where systemd can be reached, the best place first. On its private socket no message bus stands in between. */
function places(user: boolean): { address: () => string; peerToPeer: boolean }[] {
  const folder = process.env.XDG_RUNTIME_DIR;
  const socket = user ? folder && `${folder}/systemd/private` : process.geteuid?.() === 0 && "/run/systemd/private";
  const bus = { address: user ? userBusAddress : systemBusAddress, peerToPeer: false };
  return socket ? [{ address: () => `unix:path=${escapeAddress(socket)}`, peerToPeer: true }, bus] : [bus];
}

/** systemd's manager over D-Bus. */
export class Manager implements Systemd {
  readonly #connection: BusConnection;
  readonly #destination: { destination?: string };
  readonly #signals = new SystemdSignals(() => this.#listener);
  #listener: SystemdListener | undefined;
  /** Who systemd is on the bus; undefined on a private connection. */
  #owner: string | undefined;
  /** Why we end the connection ourselves. */
  #reason: string | undefined;
  #lost: string | undefined;
  #closed = false;

  private constructor(connection: BusConnection) {
    this.#connection = connection;
    this.#destination = connection.uniqueName === "" ? {} : { destination: busName };
    connection.onSignal((signal) => {
      if (this.#owner === undefined || signal.sender === this.#owner) this.#signals.handle(signal);
    });
    connection.onClose((reason) => this.#lose(reason));
  }

  /**
   * Connects to systemd: as root, and for a user's, by its private socket, else by the message bus.
   * @throws Failure saying which addresses did not answer, or that there is no systemd on the bus.
   */
  static async open(options: ManagerOptions = {}): Promise<Manager> {
    const failures: string[] = [];
    for (const { address, peerToPeer } of places(options.user ?? false)) {
      try {
        const clock = options.clock ?? systemClock;
        return await Manager.over(await BusConnection.open(address(), { peerToPeer, clock, timeoutMs }));
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        failures.push(error.message);
      }
    }
    throw new Failure(ErrorName.Disconnected, failures.join("; "));
  }

  /** Asks for systemd on a connection, that is closed with it. @throws Failure when it does not answer there. */
  static async over(connection: BusConnection): Promise<Manager> {
    const manager = new Manager(connection);
    try {
      await manager.#subscribe();
    } catch (error) {
      manager.close();
      throw error;
    }
    return manager;
  }

  listen(listener: SystemdListener): void {
    this.#listener = listener;
    this.#tellLost();
  }

  async callManager(method: string, args: Body): Promise<Body> {
    checkManagerCall(method, args);
    return (await this.#call(managerPath, managerInterface.name, method, args)).body;
  }

  async startJob(type: JobType, unit: string, mode: string): Promise<string> {
    const args = encodeBody("ss", [unit, mode]);
    return String(decodeFirst((await this.#call(managerPath, managerInterface.name, jobMethods[type], args)).body));
  }

  async cancelJob(path: string): Promise<void> {
    await this.#call(path, jobName, "Cancel", emptyBody);
  }

  async unitProperties(unit: string, interfaceName: string): Promise<Body> {
    return (await this.#call(unitPath(unit), propertiesName, "GetAll", encodeBody("s", [interfaceName]))).body;
  }

  async unitProperty(unit: string, interfaceName: string, property: string): Promise<Body> {
    const args = encodeBody("ss", [interfaceName, property]);
    return (await this.#call(unitPath(unit), propertiesName, "Get", args)).body;
  }

  async unitState(unit: string): ReturnType<Systemd["unitState"]> {
    // Asking for the properties of a unit would load it; GetUnit does not.
    const found = await this.#exchange(managerPath, managerInterface.name, "GetUnit", encodeBody("s", [unit]));
    if ("failure" in found) {
      if (found.failure.errorName === noSuchUnit) return { ...unloaded, order: found.order };
      throw found.failure;
    }
    const path = String(decodeFirst(found.body));
    const { body, order } = await this.#call(path, propertiesName, "GetAll", encodeBody("s", [unitName]));
    return { ...unloaded, ...statesOf(body), loaded: true, order };
  }

  async listUnits(pattern: string): ReturnType<Systemd["listUnits"]> {
    const args = encodeBody("asas", [[], [pattern]]);
    const { body } = await this.#call(managerPath, managerInterface.name, "ListUnitsByPatterns", args);
    const rows = decodeFirst(body) as [string, string, string, string, string][];
    return rows.map(([unit, , , activeState, subState]) => ({ unit, activeState, subState }));
  }

  async restarting(): Promise<boolean> {
    const pid = encodeBody("u", [process.pid]);
    const unit = String(decodeFirst((await this.#call(managerPath, managerInterface.name, "GetUnitByPID", pid)).body));
    const [job] = await this.#read<[number, string]>(unit, unitName, "Job");
    if (job === 0) return false;
    return (await this.#read<string>(`${managerPath}/job/${job}`, jobName, "JobType")) === "restart";
  }

  close(): void {
    this.#closed = true;
    this.#connection.close();
  }

  async #subscribe(): Promise<void> {
    if (this.#destination.destination) {
      await followOwner(this.#connection, busName, (owner) => this.#follow(owner));
      if (this.#owner === undefined) throw new Failure(ErrorName.ServiceUnknown, "there is no systemd on the bus");
      await Promise.all(matchRules.map((rule) => this.#connection.addMatch(rule)));
    }
    // On a private connection signals come unasked; the answer tells that systemd is ready to send them.
    await this.#call(managerPath, managerInterface.name, "Subscribe", emptyBody);
  }

  /** systemd that was executed again is another peer: signals were missed, and paths of jobs mean nothing to it. */
  #follow(owner: string): void {
    if (this.#owner === undefined && owner !== "") this.#owner = owner;
    if (this.#owner === undefined || owner === this.#owner) return;
    this.#reason = owner === "" ? "systemd left the bus" : "systemd was executed again";
    this.#connection.close();
  }

  #lose(reason: string): void {
    this.#lost = this.#reason ?? reason;
    this.#tellLost();
  }

  #tellLost(): void {
    if (!this.#closed && this.#lost !== undefined) this.#listener?.lost(this.#lost);
  }

  async #read<T>(path: string, interfaceName: string, property: string): Promise<T> {
    const { body } = await this.#call(path, propertiesName, "Get", encodeBody("ss", [interfaceName, property]));
    return (decodeFirst(body) as { value: T }).value;
  }

  async #call(path: string, interfaceName: string, member: string, body: Body): Promise<Reply> {
    const answer = await this.#exchange(path, interfaceName, member, body);
    if ("failure" in answer) throw answer.failure;
    return answer;
  }

  #exchange(path: string, interfaceName: string, member: string, body: Body): Promise<Reply | Refusal> {
    const waitMs = slowMethods.has(member) ? reloadTimeoutMs : timeoutMs;
    return this.#connection.exchange({
      ...this.#destination,
      path,
      interface: interfaceName,
      member,
      body,
      timeoutMs: waitMs,
    });
  }
}
