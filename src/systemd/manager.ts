import { type Body, emptyBody } from "../base/body.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { asFailure, ErrorName, Failure } from "../base/failure.ts";
import { Memo } from "../base/memo.ts";
import type { Variant } from "../base/signature.ts";
import { escapeAddress, systemBusAddress, userBusAddress } from "../bus/address.ts";
import { BusConnection } from "../bus/connection.ts";
import { followOwner } from "../bus/driver.ts";
import { encodeBody } from "../bus/marshal.ts";
import type { Reply } from "../bus/pending-calls.ts";
import { decodeFirst } from "../bus/unmarshal.ts";
import { checkManagerCall, managerInterface, noSuchUnit, slowMethods } from "./manager-interface.ts";
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
/** For each of the three questions that are asked when this process has to stop, for which systemd gives it little time. */
const stoppingTimeoutMs = 1000;
/** For the slow methods; systemctl waits as long. */
const reloadTimeoutMs = 90_000;

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
  /** "" on a private connection. */
  readonly #destination: string;
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
    this.#destination = connection.uniqueName === "" ? "" : busName;
    connection.onlySignals((path, member) => this.#signals.wants(path, member));
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

  /**
   * Asks for systemd on a connection, that is closed with it. On a private one nothing has to be asked: signals come from
   * when systemd has authenticated us, which it has by now.
   * @throws Failure when there is no systemd on a bus.
   */
  static async over(connection: BusConnection): Promise<Manager> {
    const manager = new Manager(connection);
    try {
      if (connection.uniqueName !== "") await manager.#subscribe();
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
    return this.#ask(method, args);
  }

  async startJob(type: JobType, unit: string, mode: string): Promise<string> {
    return String(decodeFirst(await this.#ask(jobMethods[type], encodeBody("ss", [unit, mode]))));
  }

  async cancelJob(path: string): Promise<void> {
    await this.#call(path, jobName, "Cancel", emptyBody);
  }

  async findJob(path: string): ReturnType<Systemd["findJob"]> {
    const body = await this.#call(path, propertiesName, "GetAll", encodeBody("s", [jobName])).catch(
      (error: unknown) => {
        if (asFailure(error).errorName === ErrorName.UnknownObject) return undefined;
        throw error;
      },
    );
    if (!body) return undefined;
    const properties = decodeFirst(body) as Map<string, Variant>;
    const [unit] = (properties.get("Unit")?.value ?? []) as string[];
    return unit === undefined ? undefined : { unit, running: properties.get("State")?.value === "running" };
  }

  unitProperties(unit: string, interfaceName: string): Promise<Body> {
    return this.#call(unitPath(unit), propertiesName, "GetAll", encodeBody("s", [interfaceName]));
  }

  unitProperty(unit: string, interfaceName: string, property: string): Promise<Body> {
    return this.#call(unitPath(unit), propertiesName, "Get", questionFor(interfaceName, property));
  }

  async unitState(unit: string): ReturnType<Systemd["unitState"]> {
    // Asking for the properties of a unit would load it; GetUnit does not.
    const found = await this.#ask("GetUnit", encodeBody("s", [unit])).catch((error: unknown) => {
      if (asFailure(error).errorName === noSuchUnit) return undefined;
      throw error;
    });
    if (!found) return unloaded;
    const path = String(decodeFirst(found));
    const properties = await this.#call(path, propertiesName, "GetAll", encodeBody("s", [unitName]));
    return { ...unloaded, ...statesOf(properties), loaded: true };
  }

  async listUnits(...patterns: string[]): ReturnType<Systemd["listUnits"]> {
    const answer = await this.#ask("ListUnitsByPatterns", encodeBody("asas", [[], patterns]));
    const rows = decodeFirst(answer) as [string, string, string, string, string][];
    return rows.map(([unit, , , activeState, subState]) => ({ unit, activeState, subState }));
  }

  async stopJob(): ReturnType<Systemd["stopJob"]> {
    const read = async (path: string, interfaceName: string, property: string) => {
      const args = encodeBody("ss", [interfaceName, property]);
      return (decodeFirst(await this.#call(path, propertiesName, "Get", args, stoppingTimeoutMs)) as Variant).value;
    };
    const unit = await this.#ask("GetUnitByPID", encodeBody("u", [process.pid]), stoppingTimeoutMs);
    const [id, job] = (await read(String(decodeFirst(unit)), unitName, "Job")) as [number, string];
    return id === 0 ? undefined : { job, type: String(await read(job, jobName, "JobType")) };
  }

  close(): void {
    this.#closed = true;
    this.#connection.close();
  }

  async #subscribe(): Promise<void> {
    await followOwner(this.#connection, busName, (owner) => this.#follow(owner));
    if (this.#owner === undefined) throw new Failure(ErrorName.ServiceUnknown, "there is no systemd on the bus");
    await Promise.all(matchRules.map((rule) => this.#connection.addMatch(rule)));
    await this.#ask("Subscribe", emptyBody);
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

  #ask(method: string, args: Body, waitMs = slowMethods.has(method) ? reloadTimeoutMs : timeoutMs): Promise<Body> {
    return this.#call(managerPath, managerInterface.name, method, args, waitMs);
  }

  #call(path: string, interfaceName: string, member: string, body: Body, waitMs = timeoutMs): Promise<Body> {
    const destination = this.#destination;
    const call = { destination, path, interface: interfaceName, member, body, timeoutMs: waitMs };
    return this.#connection.call(call).then(bodyOf);
  }
}

/** The arguments that ask for a property, by its name. */
const questions = new Memo<{ readonly interfaceName: string; readonly body: Body }>();
const maxInterface = 255;

function questionFor(interfaceName: string, property: string): Body {
  const before = questions.get(property);
  if (before?.interfaceName === interfaceName) return before.body;
  const body = encodeBody("ss", [interfaceName, property]);
  if (interfaceName.length <= maxInterface) questions.keep(property, { interfaceName, body });
  return body;
}

function bodyOf({ body }: Reply): Body {
  return body;
}
