// systemd looks after the daemons: whatever ends them or has them hang, they are started again, unless that is of no use.
import { afterAll, expect } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rmdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { testsOn } from "../testbed/host-test.ts";
import { until } from "../testbed/until.ts";
import { Cluster } from "./cluster.ts";

const cluster = await Cluster.start(["main", "pi"]);
const test = testsOn(cluster.lab);
const { main } = cluster;
const pi = cluster.host("pi");
const units = ["bluechi-controller", "bluechi-agent"] as const;
type Unit = (typeof units)[number];

afterAll(() => cluster.close());

const show = async (unit: string, property: string) => (await main.sh(`systemctl show -P ${property} ${unit}`)).trim();

/** Waits until a unit is active with another process. */
async function startedAgain(unit: Unit, before: string): Promise<void> {
  await main.until(`${unit} to be started again`, async () => {
    const [pid, state] = [await show(unit, "MainPID"), await cluster.state("main", `${unit}.service`)];
    if (state !== "active" || pid === before) throw new Error(`${state} as ${pid}`);
    return true;
  });
  await cluster.online("main");
}

test("what the units ask of systemd", async () => {
  const properties = "Restart,RestartPreventExitStatus,MemoryMax,StartLimitBurst,StartLimitIntervalUSec";
  const common = [
    "Restart=on-failure",
    "RestartPreventExitStatus=1",
    "StartLimitBurst=20",
    "StartLimitIntervalUSec=30s",
  ];
  // Known of units that run only.
  for (const unit of units) expect(await show(unit, "WatchdogUSec")).toBe("30s");
  await main.sh("systemctl start user@0.service");
  const env = { XDG_RUNTIME_DIR: "/run/user/0" };
  for (const [scope, unit, memory] of [
    ["--system", "bluechi-controller", "1073741824"],
    ["--system", "bluechi-agent", "536870912"],
    ["--user", "bluechi-agent", "536870912"],
  ]) {
    const shown = await main.sh(`systemctl ${scope} show -p ${properties} ${unit}`, { env });
    expect(shown.trim().split("\n").sort()).toEqual([...common, `MemoryMax=${memory}`].sort());
  }
});

for (const unit of units) {
  for (const signal of ["SIGKILL", "SIGABRT"]) {
    test(`${unit} that is ended by ${signal} is started again`, async () => {
      const pid = await show(unit, "MainPID");
      await main.sh(`kill -${signal.slice(3)} ${pid}`);
      await startedAgain(unit, pid);
      await cluster.online("pi");
    });
  }
}

test("daemons that hang are started again, one that works is not", async () => {
  for (const [host, unit] of [
    [main, "bluechi-controller"],
    [main, "bluechi-agent"],
    [pi, "bluechi-agent"],
  ] as const) {
    await host.write(`/etc/systemd/system/${unit}.service.d/watchdog.conf`, "[Service]\nWatchdogSec=4s\n");
    await host.sh(`systemctl daemon-reload && systemctl restart ${unit}`);
  }
  for (const name of ["main", "pi"]) await cluster.online(name);
  const working = await pi.sh("systemctl show -P MainPID bluechi-agent");
  const pids = await Promise.all(units.map((unit) => show(unit, "MainPID")));
  await main.sh(`kill -STOP ${pids.join(" ")}`);
  for (const [index, unit] of units.entries()) {
    await startedAgain(unit, pids[index] ?? "");
    expect(await main.journal(unit)).toContain("Watchdog timeout");
  }
  // It was watched all the while, for longer than its watchdog waits.
  expect(await pi.sh("systemctl show -P MainPID bluechi-agent")).toBe(working);
  await cluster.online("pi");
  for (const host of [main, pi])
    await host.sh("rm /etc/systemd/system/bluechi-*.service.d/watchdog.conf; systemctl daemon-reload");
});

/** The id that this machine has for a process of the host. */
async function outerPid(inner: string): Promise<string> {
  const leader = (await Bun.file(`${dirname(main.root)}/leader`).text()).trim();
  const children = (pid: string): string[] => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
  const found = children(leader).find(
    (pid) => pid && readFileSync(`/proc/${pid}/status`, "utf8").includes(`\t${inner}\n`),
  );
  if (!found) throw new Error(`no process ${inner}`);
  return found;
}

/** Has the kernel give a process hardly any memory more. On a machine with cgroup v1 hosts cannot do that themselves. */
async function starve(unit: Unit, pid: string): Promise<() => Promise<void>> {
  const v1 = "/sys/fs/cgroup/memory";
  if (!existsSync(v1)) {
    await main.sh(`systemctl set-property --runtime ${unit} MemoryMax=1M`);
    return async () => void (await main.sh(`systemctl set-property --runtime ${unit} MemoryMax=512M`));
  }
  const group = `${v1}/bluechi-${cluster.lab.id}`;
  await mkdir(group, { recursive: true });
  await writeFile(`${group}/memory.limit_in_bytes`, "65536");
  await writeFile(`${group}/cgroup.procs`, await outerPid(pid));
  return async () => void (await until("the group to be empty", () => rmdir(group).then(() => true)));
}

test("a daemon that the kernel ends for want of memory is started again", async () => {
  const pid = await show("bluechi-agent", "MainPID");
  const kills = async () => (await main.journal("bluechi-agent")).match(/code=killed, status=9\/KILL/g)?.length ?? 0;
  const before = await kills();
  const feed = await starve("bluechi-agent", pid);
  await main.until("its end", async () => {
    await main.run(["timeout", "1", "bluechictl", "list-units", "main"]);
    return (await show("bluechi-agent", "MainPID")) !== pid;
  });
  await feed();
  await startedAgain("bluechi-agent", pid);
  expect(await kills()).toBe(before + 1);
});

test("one that ends again and again is left alone", async () => {
  const dropIn = "/etc/systemd/system/bluechi-agent.service.d/end.conf";
  await main.write(dropIn, "[Unit]\nStartLimitBurst=5\n[Service]\nExecStart=\nExecStart=/bin/sh -c 'kill -9 $$$$'\n");
  await main.sh("systemctl daemon-reload && systemctl reset-failed && (systemctl restart bluechi-agent || true)");
  await cluster.reaches("main", "bluechi-agent.service", "failed");
  expect(Number(await show("bluechi-agent", "NRestarts"))).toBeGreaterThanOrEqual(4);
  expect(await main.journal("bluechi-agent")).toContain("Start request repeated too quickly");
  await main.sh(`rm ${dropIn} && systemctl daemon-reload && systemctl reset-failed && systemctl start bluechi-agent`);
  await cluster.online("main");
});
