import { agentInterface } from "../../api/agent.ts";
import { agentName, rootPath } from "../../api/names.ts";
import { ErrorName, Failure } from "../../base/failure.ts";
import { systemBusAddress, userBusAddress } from "../../bus/address.ts";
import { client } from "../../bus/client.ts";
import { BusConnection } from "../../bus/connection.ts";
import { hearOwner } from "../../bus/driver.ts";
import type { In } from "../../bus/interface.ts";

export type ProxyMethod = "CreateProxy" | "RemoveProxy";
export type Proxy = In<typeof agentInterface, ProxyMethod>;

/** Whether a call failed because there is no agent on the bus. */
export function isAbsence(thrown: unknown): boolean {
  return thrown instanceof Failure && thrown.errorName === ErrorName.ServiceUnknown;
}

function orAbsence(thrown: unknown): true {
  if (!isAbsence(thrown)) throw thrown;
  return true;
}

/**
 * Calls the agent on this host. Its answer may take as long as the unit on the other node takes to start, so there is
 * no time limit; but an agent that leaves the bus ends the wait.
 * @param user whether it is the agent on the user bus.
 * @param patienceMs how long an agent that is not there may take to come.
 * @throws Failure
 */
export async function callAgent(user: boolean, method: ProxyMethod, proxy: Proxy, patienceMs: number): Promise<void> {
  let owner = "";
  let changed = () => {};
  const call = (connection: BusConnection) => {
    const agent = client(connection, agentName, rootPath, agentInterface);
    const gone = new Promise<never>((_, reject) => {
      // An agent that stops answers first; its answer may arrive together with the news that it has left.
      const left = () => reject(new Failure(ErrorName.NoReply, "The agent has left the bus"));
      changed = () => {
        if (owner === "") setImmediate(left);
      };
    });
    return Promise.race([agent.call(method, proxy, { timeoutMs: 0 }), gone]);
  };
  // Most often the agent is there. When it is not, the bus says so after it began to tell who comes.
  let absent = Promise.resolve(false);
  const begin = (connection: BusConnection) => {
    const hearing = hearOwner(connection, agentName, (name) => {
      owner = name;
      changed();
    });
    absent = Promise.all([hearing, call(connection)]).then(() => false, orAbsence);
    absent.catch(() => {});
  };
  const connection = await BusConnection.open(user ? userBusAddress() : systemBusAddress(), { begin });
  if (!(await absent)) return;
  if (owner === "") {
    await new Promise<void>((resolve) => {
      changed = resolve;
      setTimeout(resolve, patienceMs);
    });
  }
  if (owner === "") throw new Failure(ErrorName.ServiceUnknown, "The name is not activatable");
  await call(connection);
}
