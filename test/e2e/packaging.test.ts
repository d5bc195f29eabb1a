import { afterAll, beforeAll, expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { walk } from "../demo/walk.ts";
import { must } from "../testbed/command.ts";
import type { Host } from "../testbed/host.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Lab } from "../testbed/lab.ts";

const top = join(import.meta.dir, "../..");
const rpmTimeoutMs = 120_000;
const lab = await Lab.open({ installed: true });
const bare = await Lab.open();
/** The guide's hosts have their places in a network. */
const guided = await Lab.open();
const test = testsOn(lab);
let host: Host;

beforeAll(async () => {
  [host] = await lab.boot("made");
});

afterAll(async () => {
  await lab.close();
  await bare.close();
  await guided.close();
});

let made: Promise<Uint8Array> | undefined;

/** Brings the package to a host that has nothing of ours. */
async function carry(fresh: Host): Promise<void> {
  made ??= must(["make", "-C", top, "rpm"], { timeoutMs: rpmTimeoutMs }).then(() => {
    const packages = [...new Bun.Glob("dist/rpm/*/*.rpm").scanSync(top)];
    expect(packages.length).toBe(1);
    return readFileSync(join(top, packages[0] ?? ""));
  });
  await fresh.sh("! test -e /usr/bin/bluechictl && ! test -e /etc/bluechi && ! test -e /usr/share/bluechi");
  await fresh.write("/root/bluechi.rpm", await made);
}

test("systemd finds nothing wrong with the units", async () => {
  const verify = (units: string) =>
    host.sh(`MANPAGER=cat systemd-analyze verify ${units} 2>&1 | grep -i bluechi || true`);
  const instances = "bluechi-proxy@node_x.service bluechi-dep@x.service";
  await host.write("/etc/systemd/system/x.service", "[Service]\nExecStart=sleep infinity\n");
  expect(await verify(`bluechi-controller.service bluechi-controller.socket bluechi-agent.service ${instances}`)).toBe(
    "",
  );
  expect(await verify(`--user bluechi-agent.service bluechi-proxy@node_x.service`)).toBe("");
});

test("the bus's policy: only root is the controller and commands it, everybody may introspect and ping", async () => {
  await host.sh("systemctl start bluechi-controller bluechi-agent");
  const nobody = (...call: string[]) => host.run(["setpriv", "--reuid=nobody", "--clear-groups", "busctl", ...call]);
  const bus = "org.freedesktop.DBus";
  for (const name of ["org.eclipse.bluechi", "org.eclipse.bluechi.Agent"]) {
    const path = "/org/eclipse/bluechi";
    expect((await nobody("call", bus, "/", bus, "RequestName", "su", name, "0")).stderr).toContain("Access denied");
    expect((await nobody("get-property", name, path, `${bus}.Properties`, "Status")).stderr).toContain("Access denied");
    expect((await nobody("call", name, path, `${bus}.Peer`, "Ping")).status).toBe(0);
    const { stdout } = await nobody("call", name, path, `${bus}.Introspectable`, "Introspect");
    expect(stdout).toContain("org.eclipse.bluechi.");
  }
});

testsOn(bare)(
  "the RPM package installs, what it installed runs, is restarted by an upgrade, and goes again",
  async () => {
    const [fresh] = await bare.boot("fresh");
    await carry(fresh);
    await fresh.sh("rpm -i --nodeps /root/bluechi.rpm");
    expect(await fresh.sh("rpm -V --nodeps bluechi")).toBe("");
    expect(await fresh.sh("bluechictl version")).toMatch(/^bluechictl version \d+\.\d+\.\d+-\S+\n$/);

    const settings = "/etc/bluechi/controller.conf.d/nodes.conf";
    await fresh.write(settings, "[bluechi-controller]\nAllowedNodeNames=fresh\n");
    await fresh.sh("systemctl start bluechi-controller bluechi-agent");
    expect(await fresh.sh("bluechictl status fresh")).toContain("| online");

    const pids = async () =>
      (await fresh.sh("systemctl show -P MainPID bluechi-controller bluechi-agent")).split("\n").filter(Boolean);
    const before = await pids();
    await fresh.sh("rpm -U --nodeps --replacepkgs /root/bluechi.rpm");
    for (const pid of await pids()) expect(before).not.toContain(pid);
    await fresh.until("the node to be back", async () =>
      (await fresh.sh("bluechictl status fresh")).includes("| online"),
    );

    await fresh.sh("rpm -e bluechi && ! test -e /usr/bin/bluechi && ! systemctl cat bluechi-agent.service");
    expect(await fresh.read(settings)).toContain("fresh");
  },
  2 * rpmTimeoutMs,
);

testsOn(guided)(
  "two hosts that have nothing but the RPM package keep the guide's promises",
  async () => {
    const hosts = await guided.boot("laptop", "pi");
    for (const fresh of hosts) {
      await carry(fresh);
      // Debian enables what is installed; the distributions that packages like this one are for leave that to people.
      await fresh.write("/etc/systemd/system-preset/99-default-disable.preset", "disable *\n");
      await fresh.sh("rpm -i --nodeps /root/bluechi.rpm");
    }
    await walk(hosts, () => undefined);
  },
  2 * rpmTimeoutMs,
);
