import { ErrorName, Failure } from "../base/failure.ts";
import type { Variant } from "../base/signature.ts";
import type { Watch } from "./calls.ts";
import type { BusConnection } from "./connection.ts";
import { guard } from "./guard.ts";
import { encodeBody } from "./marshal.ts";
import { type MatchRule, matchText } from "./match.ts";
import { MessageType } from "./message.ts";
import { isBusName } from "./syntax.ts";
import { decodeBody } from "./unmarshal.ts";

// What is asked of the bus itself (D-Bus specification, "Message Bus Messages").

const busName = "org.freedesktop.DBus";
const busPath = "/org/freedesktop/DBus";

type Caller = Pick<BusConnection, "call">;

async function ask(
  connection: Caller,
  member: string,
  signature: string,
  values: readonly unknown[],
  timeoutMs?: number,
): Promise<unknown> {
  const body = encodeBody(signature, values);
  const timeout = timeoutMs === undefined ? {} : { timeoutMs };
  const call = { destination: busName, path: busPath, interface: busName, member, body, ...timeout };
  return decodeBody((await connection.call(call)).body)[0];
}

/** What every connection asks first, and by which it gets its unique name. */
export const hello = {
  type: MessageType.methodCall,
  serial: 1,
  destination: busName,
  path: busPath,
  interface: busName,
  member: "Hello",
};

const doNotQueue = 4;
const becameOwner = 1;
const alreadyOwner = 4;

export async function requestName(connection: BusConnection, name: string): Promise<void> {
  const result = await ask(connection, "RequestName", "su", [name, doNotQueue]);
  if (result !== becameOwner && result !== alreadyOwner)
    throw new Failure(ErrorName.AddressInUse, `the name ${name} is already taken on the bus`);
}

export async function releaseName(connection: BusConnection, name: string, timeoutMs?: number): Promise<void> {
  await ask(connection, "ReleaseName", "s", [name], timeoutMs);
}

export async function addMatch(connection: BusConnection, rule: MatchRule): Promise<void> {
  await ask(connection, "AddMatch", "s", [matchText(rule)]);
}

/**
 * The user and the process behind a unique name; 0 is a process that is out of the bus's sight, in another PID namespace, which
 * older buses say themselves, and dbus-daemon 1.16 says nothing about. @throws Failure NameHasNoOwner, Failed of a bus that does not tell.
 */
export async function credentialsOf(connection: Caller, name: string): Promise<{ uid: number; pid: number }> {
  const values = (await ask(connection, "GetConnectionCredentials", "s", [name])) as Map<string, Variant>;
  const [uid, pid] = ["UnixUserID", "ProcessID"].map((key) => values.get(key)?.value);
  if (typeof uid !== "number") throw new Failure(ErrorName.Failed, "the bus does not tell who calls");
  return { uid, pid: typeof pid === "number" ? pid : 0 };
}

/**
 * Bytes that the bus keeps for a connection that has not read them yet, as dbus-daemon counts them for root.
 * @throws Failure of a bus that does not tell.
 */
export async function unreadBytes(connection: Caller, name: string): Promise<number> {
  const body = encodeBody("s", [name]);
  const stats = { interface: "org.freedesktop.DBus.Debug.Stats", member: "GetConnectionStats" };
  const [values] = decodeBody((await connection.call({ destination: busName, path: busPath, ...stats, body })).body);
  const bytes = (values as Map<string, Variant>).get("OutgoingBytes")?.value;
  if (typeof bytes !== "number") throw new Failure(ErrorName.Failed, "the bus does not tell what it keeps");
  return bytes;
}

const ownerChanged: MatchRule = {
  type: "signal",
  sender: busName,
  path: busPath,
  interface: busName,
  member: "NameOwnerChanged",
};

/** Calls `changed` with the name and its new owner, "" for nobody, whenever one of the owners that are matched changes. */
function onOwnerChanged(connection: BusConnection, changed: (name: string, owner: string) => void): void {
  connection.onSignal((signal) => {
    if (signal.member !== "NameOwnerChanged" || signal.sender !== busName) return;
    const [name, , owner] = decodeBody(signal.body);
    changed(String(name), String(owner));
  });
}

/** Tells who owns a bus name whenever that changes; "" stands for nobody. What is sent after this is answered after it. */
export async function hearOwner(
  connection: BusConnection,
  name: string,
  changed: (owner: string) => void,
): Promise<void> {
  onOwnerChanged(connection, (changedName, owner) => {
    if (changedName === name) changed(owner);
  });
  await addMatch(connection, { ...ownerChanged, arg0: name });
}

/**
 * Tells who owns a bus name now, and who whenever that changes; "" stands for nobody. Signals carry the unique names of
 * their senders, and anybody may send one to us: a listener has to know whose to believe.
 */
export async function followOwner(
  connection: BusConnection,
  name: string,
  changed: (owner: string) => void,
): Promise<void> {
  let told = false;
  const hearing = hearOwner(connection, name, (owner) => {
    told = true;
    changed(owner);
  });
  const tellOwner = async () => {
    const owner = await ask(connection, "GetNameOwner", "s", [name]).catch((error: unknown) => {
      if (!(error instanceof Failure) || error.errorName !== ErrorName.NameHasNoOwner) throw error;
      return "";
    });
    // Signals are heard as they arrive, an answer only after all that arrived with it: it may be older than they are.
    if (!told) changed(String(owner));
  };
  // A bus answers in order: what changes after the second is heard because of the first.
  await Promise.all([hearing, tellOwner()]);
}

/** How many watches there may be at once; one more fails with LimitsExceeded. */
const maxWatches = 65_536;

/** Tells who leaves the bus. One match rule serves all, because a bus limits how many rules a connection may have. */
export class NameWatches {
  readonly #connection: BusConnection;
  readonly #watches = new Map<string, Set<() => void>>();
  #size = 0;
  #listening: Promise<void> | undefined;

  constructor(connection: BusConnection) {
    this.#connection = connection;
  }

  watch(name: string, gone: () => void): Watch {
    if (!isBusName(name)) throw new Failure(ErrorName.InvalidArgs, `'${name}' is no bus name`);
    if (this.#size >= maxWatches) throw new Failure(ErrorName.LimitsExceeded, "too many bus names are watched");
    const watchers = this.#watches.get(name) ?? new Set();
    this.#watches.set(name, watchers);
    const fire = () => gone();
    watchers.add(fire);
    this.#size++;
    this.#check(name).catch(() => {
      // Without a connection there are no names to watch, and onClose tells that. What a bus refused (it limits how many
      // rules there may be) is asked for again with the next watch, for all names that are watched then.
    });
    return { cancel: () => this.#cancel(name, watchers, fire) };
  }

  #cancel(name: string, watchers: Set<() => void>, fire: () => void): void {
    if (!watchers.delete(fire)) return;
    this.#size--;
    if (watchers.size === 0 && this.#watches.get(name) === watchers) this.#watches.delete(name);
  }

  /** Who left before the bus knew of our rule is noticed by asking after that. */
  async #check(name: string): Promise<void> {
    const unsure = this.#listening !== undefined ? [name] : [...this.#watches.keys()];
    this.#listening ??= this.#listen();
    await this.#listening;
    const check = async (each: string) => {
      if ((await ask(this.#connection, "NameHasOwner", "s", [each])) === false) this.#gone(each);
    };
    await Promise.all(unsure.map(check));
  }

  async #listen(): Promise<void> {
    try {
      await this.#connection.addMatch({ ...ownerChanged, arg2: "" });
    } catch (error) {
      this.#listening = undefined;
      throw error;
    }
    onOwnerChanged(this.#connection, (name, owner) => {
      if (owner === "") this.#gone(name);
    });
  }

  #gone(name: string): void {
    const watchers = this.#watches.get(name);
    this.#watches.delete(name);
    this.#size -= watchers?.size ?? 0;
    for (const fire of watchers ?? []) guard(fire);
    watchers?.clear();
  }
}
