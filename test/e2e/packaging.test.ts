import { afterAll, beforeAll, expect } from "bun:test";
import { walk } from "../demo/walk.ts";
import type { Host } from "../testbed/host.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Lab } from "../testbed/lab.ts";
import { type Kind, makeOriginal, makePackage } from "./packages.ts";

const buildTimeoutMs = 600_000;
const lab = await Lab.open({ installed: true });
/** Hosts that have nothing of ours but the packages: the laptop the RPM, the pi the one for Debian. */
const packaged = await Lab.open();
const test = testsOn(lab);
const packagedTest = testsOn(packaged);
let host: Host;
let current: Record<Kind, Uint8Array>;
let laptop: Host;
let pi: Host;

beforeAll(async () => {
  const boots = Promise.all([lab.boot("made"), packaged.boot("laptop", "pi")]);
  // The previous version: a release lower than any other, of the same commit.
  const previous = await makeBoth("RELEASE=0");
  current = await makeBoth("RELEASE=1");
  [[host], [laptop, pi]] = await boots;
  for (const [name, { rpm, deb }] of Object.entries({ old: previous, new: current })) {
    await laptop.write(`/root/${name}.rpm`, rpm);
    await pi.write(`/root/${name}.deb`, deb);
  }
  for (const [name, rpm] of await makeOriginal()) await laptop.write(`/root/original/${name}`, rpm);
  await laptop.sh("! test -e /usr/bin/bluechictl && ! test -e /etc/bluechi && ! test -e /usr/share/bluechi");
  // Debian enables what an RPM installs; the distributions that packages like this one are for leave that to people.
  await laptop.write("/etc/systemd/system-preset/99-default-disable.preset", "disable *\n");
  // With this a machine that is a container keeps packages from starting and stopping services.
  await pi.sh("rm -f /usr/sbin/policy-rc.d");
}, buildTimeoutMs);

afterAll(async () => {
  await lab.close();
  await packaged.close();
});

async function makeBoth(release: string): Promise<Record<Kind, Uint8Array>> {
  return { rpm: await makePackage("rpm", release), deb: await makePackage("deb", release) };
}

/** Fails when a unit or a process of ours is there. */
async function nothingRuns(where: Host): Promise<void> {
  const units = "list-units --state=active,activating,deactivating,failed --plain --no-legend";
  expect(await where.sh(`systemctl ${units} 'bluechi-*@*' 'bluechi-agent*' 'bluechi-controller*'`)).toBe("");
  expect(await where.sh("ls -l /proc/[0-9]*/exe 2>/dev/null | grep bin/bluechi || true")).toBe("");
  await where.sh("! test -e /usr/bin/bluechi && ! test -e /usr/libexec/bluechi-agent && ! test -e /run/bluechi");
}

const mainPids = async (where: Host, ...units: string[]) =>
  (await where.sh(`systemctl show -P MainPID ${units.join(" ")}`)).split("\n").filter(Boolean);

/** Both hosts' agents, and those of the two people who are logged in there. */
async function allOnline(): Promise<void> {
  await laptop.until("all nodes to be online", async () => {
    const { stdout } = await laptop.run(["bluechictl", "status"]);
    return stdout.split("\n").filter((line) => line.includes("| online")).length === 4;
  });
}

/** Somebody is logged in whose systemd has an agent, too. */
async function logIn(where: Host): Promise<void> {
  const agent = `/usr/libexec/bluechi-agent --user -n person-on-${where.name} -H laptop`;
  await where.write("/etc/systemd/user/bluechi-agent.service.d/a.conf", `[Service]\nExecStart=\nExecStart=${agent}\n`);
  await where.sh("systemctl --global enable bluechi-agent && useradd --create-home person");
  await where.sh("loginctl enable-linger person && systemctl start user@$(id -u person)");
}

const personsAgent = async (where: Host) =>
  (await where.sh("systemctl --user -M person@ show -P MainPID bluechi-agent")).trim();
const personsLink = "/etc/systemd/user/default.target.wants/bluechi-agent.service";

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

test(
  "packages that are made again of the same commit are the same",
  async () => {
    const again = await makeBoth("RELEASE=1");
    for (const kind of ["rpm", "deb"] as const) expect(Buffer.compare(again[kind], current[kind])).toBe(0);
  },
  buildTimeoutMs,
);

packagedTest(
  "the RPM takes the place of the original's packages, keeps their settings, and runs what they ran",
  async () => {
    await laptop.sh("rpm -i --nodeps /root/original/*.rpm");
    await laptop.write("/etc/bluechi/controller.conf", "[bluechi-controller]\nAllowedNodeNames=laptop\n");
    await laptop.write("/etc/bluechi/agent.conf", "[bluechi-agent]\nNodeName=laptop\n");
    await laptop.sh("systemctl enable --now bluechi-controller bluechi-agent");

    await laptop.sh("rpm -U --nodeps /root/new.rpm");
    const names = (await laptop.sh("rpm -qa --qf '%{NAME}\\n' 'bluechi*' | sort")).trim().split("\n");
    expect(names).toEqual(["bluechi", "bluechi-selinux"]);
    expect(await laptop.sh("systemctl is-enabled bluechi-controller bluechi-agent")).toBe("enabled\nenabled\n");
    await laptop.until("the node to be online", async () =>
      (await laptop.sh("bluechictl status laptop")).includes("| online"),
    );
    expect(await laptop.read("/etc/bluechi/controller.conf")).toContain("AllowedNodeNames=laptop");
    expect(await laptop.read("/etc/bluechi/agent.conf")).toContain("NodeName=laptop");

    await laptop.write("/etc/bluechi/agent.conf.d/more.conf", "[bluechi-agent]\n");
    expect(await laptop.sh("rpm -e bluechi bluechi-selinux 2>&1")).toContain("left as it is: /etc/bluechi\n");
    await nothingRuns(laptop);
    expect(await laptop.read("/etc/bluechi/agent.conf")).toContain("NodeName=laptop");
    await laptop.sh("rm -r /etc/bluechi /var/lib/bluechi /var/lib/bluechi-agent");
  },
);

packagedTest("a host with the RPM and a host with the Debian package keep the guide's promises", async () => {
  await laptop.sh("rpm -i --nodeps /root/old.rpm");
  await pi.sh("dpkg -i /root/old.deb");
  expect(await laptop.sh("rpm -V --nodeps bluechi")).toBe("");
  expect(await pi.sh("dpkg --verify bluechi")).toBe("");
  for (const each of [laptop, pi]) {
    expect(await each.sh("bluechi --version")).toMatch(
      /^bluechi version \S+-0 \(commit \w+, Bun \S+, protocol \d+\)\n$/,
    );
    expect((await each.run(["systemctl", "is-enabled", "bluechi-agent", "bluechi-controller"])).stdout).toBe(
      "disabled\ndisabled\n",
    );
  }
  // They were made of the same tarball in different folders.
  expect(await laptop.sh("sha256sum /usr/bin/bluechi")).toBe(await pi.sh("sha256sum /usr/bin/bluechi"));
  await walk([laptop, pi], () => undefined);
});

packagedTest("an upgrade keeps settings, jobs, and what depends on other nodes", async () => {
  const instances = ["1", "2", "3", "4", "5"].map((name) => `slow@${name}.service`);
  const until = "/bin/sh -c 'until test -e /run/enough; do sleep 0.1; done'";
  await pi.write("/etc/systemd/system/slow@.service", `[Service]\nType=oneshot\nExecStart=${until}\n`);
  await pi.sh("systemctl daemon-reload");
  const people = [laptop, pi].map(({ name }) => `[node person-on-${name}]\nAllowed=true\n`).join("");
  await laptop.write("/etc/bluechi/controller.conf.d/people.conf", people);
  await laptop.sh("systemctl reload bluechi-controller");
  for (const each of [laptop, pi]) await logIn(each);
  await allOnline();
  const agentsBefore = await Promise.all([laptop, pi].map(personsAgent));
  await laptop.sh("systemctl start bluechi-webservice");
  const [page, image] = [await mainPids(laptop, "bluechi-webservice"), await mainPids(pi, "bluechi-cdn")];
  const settings = await Promise.all([laptop, pi].map((each) => each.sh("sha256sum /etc/bluechi/*/*")));
  const starts = instances.map((unit) => laptop.spawn(["bluechictl", "start", "pi", unit]));
  for (const unit of instances) await pi.until(`${unit} to start`, async () => (await mainPids(pi, unit))[0] !== "0");
  const before = await mainPids(laptop, "bluechi-controller", "bluechi-agent");
  const [agent] = await mainPids(pi, "bluechi-agent");

  await pi.sh("dpkg -i /root/new.deb");
  expect(await mainPids(pi, "bluechi-agent")).not.toContain(agent);
  await allOnline();
  await pi.sh("touch /run/enough");
  for (const [index, start] of starts.entries()) {
    await start.line(`Unit ${instances[index]} StartUnit operation result: done`);
    expect(await start.exited).toBe(0);
  }
  await laptop.sh("rpm -U --nodeps /root/new.rpm");
  for (const pid of await mainPids(laptop, "bluechi-controller", "bluechi-agent")) expect(before).not.toContain(pid);
  await allOnline();
  for (const pid of await Promise.all([laptop, pi].map(personsAgent)))
    expect(["0", ...agentsBefore]).not.toContain(pid);
  for (const each of [laptop, pi]) await each.sh(`test -L ${personsLink}`);

  for (const each of [laptop, pi]) expect(await each.sh("bluechi --version")).toMatch(/^bluechi version \S+-1 /);
  expect(await mainPids(laptop, "bluechi-webservice")).toEqual(page);
  expect(await mainPids(pi, "bluechi-cdn")).toEqual(image);
  expect(await Promise.all([laptop, pi].map((each) => each.sh("sha256sum /etc/bluechi/*/*")))).toEqual(settings);
  expect(await laptop.sh("systemctl is-enabled bluechi-controller bluechi-agent")).toBe("enabled\nenabled\n");
  expect(await pi.sh("systemctl is-enabled bluechi-agent")).toBe("enabled\n");
  await laptop.sh("systemctl stop bluechi-webservice");
  await pi.until("what nobody needs to stop", async () => (await mainPids(pi, "bluechi-cdn"))[0] === "0");
});

packagedTest("removal leaves nothing running, and says what it left", async () => {
  await laptop.sh("systemctl start bluechi-webservice && systemctl is-active bluechi-proxy@pi_bluechi-cdn.service");
  expect(await laptop.sh("rpm -e bluechi 2>&1")).toContain("left as it is: /etc/bluechi\n");
  await nothingRuns(laptop);
  await laptop.sh(`! test -L ${personsLink}`);
  expect(await pi.sh("dpkg -r bluechi")).toContain("left until it is purged: /etc/bluechi\n");
  await nothingRuns(pi);
  expect(await pi.read("/etc/bluechi/agent.conf.d/controller.conf")).toContain("ControllerHost=laptop");
  await pi.sh(
    "dpkg -P bluechi && ! test -e /etc/bluechi && ! test -e /var/lib/bluechi && ! test -e /var/lib/bluechi-agent",
  );
  await pi.sh(`! test -L ${personsLink}`);
});

test(
  "the program for arm64 runs: what answers at once, and a controller and an agent that talk to each other",
  async () => {
    const emulator = "/usr/bin/qemu-aarch64-static -L /usr/aarch64-linux-gnu";
    await host.sh("systemctl stop bluechi-controller bluechi-agent");
    await host.write("/opt/arm64.deb", await makePackage("deb", "TARGET=bun-linux-arm64"));
    await host.sh("dpkg-deb -x /opt/arm64.deb /opt/arm64");
    const program = `${emulator} /opt/arm64/usr/bin/bluechi`;
    expect(await host.sh(`${program} --version`)).toMatch(/^bluechi version /);
    expect(await host.sh(`${program} --help`)).toBe(await host.sh("bluechi --help"));

    await host.write("/etc/bluechi/controller.conf.d/nodes.conf", "[bluechi-controller]\nAllowedNodeNames=made\n");
    for (const role of ["controller", "agent"]) {
      const emulated = `[Service]\nExecStart=\nExecStart=${program} ${role}\n`;
      await host.write(`/run/systemd/system/bluechi-${role}.service.d/emulated.conf`, emulated);
    }
    await host.sh("systemctl daemon-reload && systemctl start bluechi-controller bluechi-agent");
    await host.until("the node to be online", async () =>
      (await host.sh(`${program} ctl status made`)).includes("| online"),
    );
    expect(await host.sh(`${program} ctl start made x.service`)).toContain("result: done");
  },
  buildTimeoutMs,
);
