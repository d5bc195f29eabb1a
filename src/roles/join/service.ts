import { agentInterface } from "../../api/agent.ts";
import { agentName, rootPath } from "../../api/names.ts";
import { ErrorName, Failure } from "../../base/failure.ts";
import { systemBusAddress } from "../../bus/address.ts";
import { client } from "../../bus/client.ts";
import { BusConnection } from "../../bus/connection.ts";

const unit = "bluechi-agent.service";

/**
 * Has this host's agent run, now and at each boot, by what is configured now. Returns once it has tried to register.
 * @throws Failure when systemd cannot start it, in systemd's words.
 */
export async function restartAgent(): Promise<void> {
  await systemctl("enable", "--quiet", unit);
  await systemctl("restart", unit);
}

async function systemctl(...words: string[]): Promise<void> {
  const child = Bun.spawn(["systemctl", ...words], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const stderr = await new Response(child.stderr).text();
  if ((await child.exited) === 0) return;
  throw new Failure(ErrorName.Failed, `'systemctl ${words.join(" ")}' failed: ${stderr.trim().replaceAll("\n", " ")}`);
}

/** Whether this host's agent is connected to its controller, or will be within a time. */
export async function comesOnline(patienceMs: number): Promise<boolean> {
  const connection = await BusConnection.open(systemBusAddress());
  try {
    const agent = client(connection, agentName, rootPath, agentInterface);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    agent.onChanged(({ Status }) => {
      if (Status === "online") resolve(true);
    });
    connection.onClose(() => resolve(false));
    await agent.match();
    if ((await agent.get("Status")) === "online") return true;
    const timer = setTimeout(resolve, patienceMs, false);
    return await promise.finally(() => clearTimeout(timer));
  } finally {
    connection.close();
  }
}
