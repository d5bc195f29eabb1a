import { agentInterface } from "../../api/agent.ts";
import { agentName, rootPath } from "../../api/names.ts";
import { ErrorName, Failure } from "../../base/failure.ts";
import { systemBusAddress, userBusAddress } from "../../bus/address.ts";
import { client } from "../../bus/client.ts";
import { BusConnection } from "../../bus/connection.ts";
import type { In } from "../../bus/interface.ts";

export type ProxyMethod = "CreateProxy" | "RemoveProxy";
export type Proxy = In<typeof agentInterface, ProxyMethod>;

/** Whether a call failed because there is no agent on the bus. */
export function isAbsence(thrown: unknown): boolean {
  const names: string[] = [ErrorName.ServiceUnknown, ErrorName.NameHasNoOwner];
  return thrown instanceof Failure && names.includes(thrown.errorName);
}

/**
 * Calls the agent on this host. Its answer may take as long as the unit on the other node takes to start, so there is
 * no time limit; when the agent leaves the bus before it answered, the bus answers for it with an error.
 * @param user whether it is the agent on the user bus.
 * @param patienceMs how long an agent that is not there may take to come.
 * @throws Failure
 */
export async function callAgent(user: boolean, method: ProxyMethod, proxy: Proxy, patienceMs: number): Promise<void> {
  const connection = await BusConnection.open(user ? userBusAddress() : systemBusAddress());
  try {
    const agent = client(connection, agentName, rootPath, agentInterface);
    const ownerChange = await ownerChanges(connection);
    const timeUp = new Promise<boolean>((resolve) => setTimeout(resolve, patienceMs, true));
    for (;;) {
      // Listened for before the call, so that an agent that comes right after it is not missed.
      const changed = ownerChange().then(() => false);
      try {
        await agent.call(method, proxy, { timeoutMs: 0 });
        return;
      } catch (thrown) {
        if (!isAbsence(thrown)) throw thrown;
        if (await Promise.race([changed, timeUp]))
          throw new Failure(ErrorName.ServiceUnknown, "The name is not activatable");
      }
    }
  } finally {
    connection.close();
  }
}

/** Gives promises of the next time that an agent comes or goes. */
async function ownerChanges(connection: BusConnection): Promise<() => Promise<void>> {
  const bus = "org.freedesktop.DBus";
  let tell = () => {};
  connection.onSignal(({ sender, member }) => {
    if (sender === bus && member === "NameOwnerChanged") tell();
  });
  await connection.addMatch({
    type: "signal",
    sender: bus,
    interface: bus,
    member: "NameOwnerChanged",
    arg0: agentName,
  });
  return () =>
    new Promise((resolve) => {
      tell = resolve;
    });
}
