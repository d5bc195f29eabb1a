// A program of the tests on a host's system bus, which calls the controller and writes down what it hears.
import { dirname } from "node:path";
import { controllerInterface } from "../../src/api/controller.ts";
import { monitorInterface } from "../../src/api/monitor.ts";
import { controllerName, nodePath, rootPath } from "../../src/api/names.ts";
import { nodeInterface } from "../../src/api/node.ts";
import type { Failure } from "../../src/base/failure.ts";
import type { Variant } from "../../src/base/signature.ts";
import type { Signal } from "../../src/bus/calls.ts";
import { type Client, client } from "../../src/bus/client.ts";
import { BusConnection } from "../../src/bus/connection.ts";
import { encodeBody } from "../../src/bus/marshal.ts";
import { decodeBody } from "../../src/bus/unmarshal.ts";
import type { Host } from "../testbed/host.ts";
import { until } from "../testbed/until.ts";

const properties = "org.freedesktop.DBus.Properties";

/** A signal as one line: where below the root object, what, and its values. */
interface Heard {
  readonly text: string;
  readonly signal: Signal;
}

export class Program {
  readonly bus: BusConnection;
  readonly heard: Heard[] = [];
  readonly controller: Client<typeof controllerInterface>;

  private constructor(bus: BusConnection) {
    this.bus = bus;
    this.controller = client(bus, controllerName, rootPath, controllerInterface);
    bus.onSignal((signal) => {
      if (signal.path.startsWith(rootPath)) this.heard.push({ text: line(signal), signal });
    });
  }

  /**
   * Connects to a host's bus. Monitors tell their owner without being asked.
   * @param options.listen who is heard, too, in what it tells everybody: true for the controller, or a bus name.
   */
  static async on(host: Host, { listen = false }: { listen?: boolean | string } = {}): Promise<Program> {
    const leader = (await Bun.file(`${dirname(host.root)}/leader`).text()).trim();
    const bus = await BusConnection.open(`unix:path=/proc/${leader}/root/run/dbus/system_bus_socket`);
    if (listen) await bus.addMatch({ type: "signal", sender: listen === true ? controllerName : listen });
    return new Program(bus);
  }

  get texts(): string[] {
    return this.heard.map(({ text }) => text);
  }

  node(name: string): Client<typeof nodeInterface> {
    return client(this.bus, controllerName, nodePath(name), nodeInterface);
  }

  async monitor(): Promise<{ path: string; monitor: Client<typeof monitorInterface> }> {
    const { monitor: path } = await this.controller.call("CreateMonitor", {});
    return { path, monitor: client(this.bus, controllerName, path, monitorInterface) };
  }

  /** Calls a method of any object. */
  async call(destination: string, path: string, method: string, signature = "", ...args: unknown[]) {
    const at = method.lastIndexOf(".");
    const [interfaceName, member] = [method.slice(0, at), method.slice(at + 1)];
    const body = encodeBody(signature, args);
    return this.bus.call({ destination, path, interface: interfaceName, member, body });
  }

  /** Waits until all these lines were heard, in this order, maybe with others between them. */
  async hears(...wanted: (string | RegExp)[]): Promise<void> {
    await until(`to hear ${wanted.join(", ")}`, () => {
      let from = 0;
      for (const what of wanted) {
        const found = this.texts.findIndex((text, index) => index >= from && matches(text, what));
        if (found < 0) throw new Error(`no ${what} among\n${this.texts.join("\n")}`);
        from = found + 1;
      }
      return true;
    });
  }

  /** What was heard that matches. */
  all(what: string | RegExp): string[] {
    return this.texts.filter((text) => matches(text, what));
  }

  /** Returns once everything has been heard that the controller had sent before. */
  async caughtUp(): Promise<void> {
    await this.call(controllerName, rootPath, "org.freedesktop.DBus.Peer.Ping");
  }

  clear(): void {
    this.heard.length = 0;
  }

  close(): void {
    this.bus.close();
  }
}

/** What a call is refused with, as `name: text`. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  return call.then(
    (answer) => {
      throw new Error(`not refused but answered: ${Bun.inspect(answer)}`);
    },
    (failure: Failure) => `${failure.errorName}: ${failure.message}`,
  );
}

function matches(text: string, what: string | RegExp): boolean {
  return typeof what === "string" ? text === what : what.test(text);
}

function line({ path, interface: interfaceName, member, body }: Signal): string {
  const place = path.slice(rootPath.length + 1);
  const values = decodeBody(body);
  const where = place === "" ? "" : `${place} `;
  if (interfaceName !== properties) return `${where}${member} ${values.map(plain).join(" ")}`.trim();
  const [, changed, invalidated] = values as [string, Map<string, Variant>, string[]];
  const parts = [...changed].map(([name, { value }]) => `${name}=${value}`);
  return `${where}${[...parts, ...invalidated.map((name) => `${name} invalidated`)].join(" ")}`;
}

function plain(value: unknown): string {
  if (value instanceof Map) return [...value.keys()].join(",");
  return String(value).replace(`${rootPath}/`, "");
}
