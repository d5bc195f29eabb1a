// A daemon that reads its configuration again. systemctl only waits until it has been told to.
import type { Host } from "../testbed/host.ts";

export type Role = "controller" | "agent";

/** How often a daemon has said that it read its configuration again, and found it good or bad. */
async function reloads(host: Host, role: Role): Promise<number> {
  return (await host.journal(`bluechi-${role}`)).match(/Configuration (not )?reloaded/g)?.length ?? 0;
}

/** Reloads a daemon, which has to log at INFO or more, and returns once what it has read counts. */
export async function reload(host: Host, role: Role): Promise<void> {
  const before = await reloads(host, role);
  await host.sh(`systemctl reload bluechi-${role}`);
  await host.until(`the ${role} to have read it`, async () => (await reloads(host, role)) > before);
  const state = `systemctl show -P ActiveState bluechi-${role}`;
  await host.until("the reload to be over", async () => (await host.sh(state)) === "active\n");
}
