import { afterAll, beforeAll, expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { must } from "../testbed/command.ts";
import type { Host } from "../testbed/host.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Lab } from "../testbed/lab.ts";

const top = join(import.meta.dir, "../..");
const rpmTimeoutMs = 120_000;
const lab = await Lab.open({ installed: true });
const bare = await Lab.open();
const test = testsOn(lab);
let host: Host;

beforeAll(async () => {
  [host] = await lab.boot("made");
});

afterAll(async () => {
  await lab.close();
  await bare.close();
});

test("systemd finds nothing wrong with the units", async () => {
  const verify = (units: string) =>
    host.sh(`MANPAGER= systemd-analyze verify --man=no ${units} 2>&1 | grep -i bluechi || true`);
  const instances = "bluechi-proxy@node_x.service bluechi-dep@x.service";
  await host.write("/etc/systemd/system/x.service", "[Service]\nExecStart=sleep infinity\n");
  expect(await verify(`bluechi-controller.service bluechi-controller.socket bluechi-agent.service ${instances}`)).toBe(
    "",
  );
  expect(await verify(`--user bluechi-agent.service bluechi-proxy@node_x.service`)).toBe("");
});

test("the bus takes the policy: names are root's, and everybody may introspect", async () => {
  await host.sh("systemctl reload dbus && ! journalctl -b -u dbus | grep -i 'bluechi.*conf'");
  const own = (name: string) =>
    host.run([
      "setpriv",
      "--reuid=nobody",
      "busctl",
      "call",
      "org.freedesktop.DBus",
      "/",
      "org.freedesktop.DBus",
      "RequestName",
      "su",
      name,
      "0",
    ]);
  for (const name of ["org.eclipse.bluechi", "org.eclipse.bluechi.Agent"]) {
    expect((await own(name)).stderr).toContain("Access denied");
  }
});

test(
  "the RPM package installs, and what it installed runs and goes again",
  async () => {
    await must(["make", "-C", top, "rpm"], { timeoutMs: rpmTimeoutMs });
    const [rpm] = [...new Bun.Glob("dist/rpm/*/*.rpm").scanSync(top)];
    const [fresh] = await bare.boot("fresh");
    await fresh.write("/root/bluechi.rpm", readFileSync(join(top, rpm ?? "")));
    await fresh.sh("rpm -i --nodeps /root/bluechi.rpm");
    expect(await fresh.sh("rpm -V --nodeps bluechi")).toBe("");
    expect(await fresh.sh("bluechictl version")).toMatch(/^bluechictl version \d+\.\d+\.\d+-\S+\n$/);
    await fresh.sh("rpm -e bluechi && ! test -e /usr/bin/bluechi && ! systemctl cat bluechi-agent.service");
  },
  2 * rpmTimeoutMs,
);
