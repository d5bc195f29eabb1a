import { agentInterface } from "../../src/api/agent.ts";
import { agentName, rootPath } from "../../src/api/names.ts";
import { ErrorName, Failure } from "../../src/base/failure.ts";
import { BusConnection } from "../../src/bus/connection.ts";
import { ObjectTree, type Served } from "../../src/bus/serve.ts";
import { Reads } from "./reads.ts";

/** An agent that serves the real table; the unit's name tells how a proxy fares. */
export class FakeAgent {
  status = "online";
  controllerAddress = "tcp:host=127.0.0.1,port=842";
  readonly calls: string[] = [];
  readonly #connection: BusConnection;
  readonly #served: Served<typeof agentInterface>;
  readonly #reads = new Reads();

  private constructor(connection: BusConnection) {
    this.#connection = connection;
    const methods = {
      CreateProxy: async (args: { local_service_name: string; node: string; unit: string }) => {
        this.calls.push(`CreateProxy ${Object.values(args).join(" ")}`);
        if (args.unit === "bad.service") throw new Failure(ErrorName.ActivationFailed, "Proxy service failed to start");
        if (args.unit === "twice.service") throw new Failure(ErrorName.AddressInUse, "Proxy already exists");
        if (args.unit === "pending.service") await new Promise(() => {});
      },
      RemoveProxy: (args: { local_service_name: string; node: string; unit: string }) => {
        this.calls.push(`RemoveProxy ${Object.values(args).join(" ")}`);
        if (args.unit === "bad.service") throw new Failure(ErrorName.Failed, "Something is wrong");
      },
      SwitchController: () => {},
      JobCancel: () => {},
    };
    this.#served = new ObjectTree(connection).add(rootPath, agentInterface, methods, {
      Status: () => this.#reads.note(this.status),
      ControllerAddress: () => this.controllerAddress,
      LogLevel: () => "INFO",
      LogTarget: () => "stderr",
      DisconnectTimestamp: () => 0n,
      DisconnectTimestampMonotonic: () => 0n,
      LastSeenTimestamp: () => 0n,
      LastSeenTimestampMonotonic: () => 0n,
    });
  }

  static async start(address: string): Promise<FakeAgent> {
    const agent = new FakeAgent(await BusConnection.open(address));
    await agent.#connection.requestName(agentName);
    return agent;
  }

  stop(): void {
    this.#connection.close();
  }

  /** Returns once a Status has been told so often: who asked for it hears of its changes from now on. */
  async watched(times = 1): Promise<void> {
    await this.#reads.reach(times);
    // The bus has passed on the answers once it answers itself.
    await this.#connection.requestName(agentName);
  }

  setStatus(status: string): void {
    this.status = status;
    this.#served.changed("Status");
  }

  switchTo(address: string): void {
    this.controllerAddress = address;
    this.#served.changed("ControllerAddress");
  }
}
