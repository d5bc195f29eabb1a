import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { base, prefix } from "../testbed/claim.ts";
import { systemdVersion } from "../testbed/ground.ts";
import type { Host } from "../testbed/host.ts";
import { Lab } from "../testbed/lab.ts";

// The testbed itself, without the product. A unified hierarchy is what newer machines have anyway.
const lab = await Lab.open({ unified: true });
let one: Host;
let two: Host;

beforeAll(async () => {
  [one, two] = await lab.boot("one", "two");
});

afterAll(() => lab.close());

test("hosts are machines of their own, with a systemd that is content", async () => {
  expect(await one.sh("hostname; systemctl is-system-running")).toBe("one\nrunning\n");
  expect(await one.sh("systemctl --version")).toStartWith(`systemd ${systemdVersion} `);
  expect(await one.read("/etc/machine-id")).not.toBe(await two.read("/etc/machine-id"));
});

test("journald has room for what it is told while it is busy, as on a machine that is no container", async () => {
  const send = `
import socket
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
for _ in range(100): journal.sendto(b"MESSAGE=one of many", socket.MSG_DONTWAIT, "/run/systemd/journal/socket")
`;
  await one.sh("systemctl kill -s SIGSTOP systemd-journald");
  try {
    expect((await one.run(["python3", "-c", send])).stderr).toBe("");
  } finally {
    await one.sh("systemctl kill -s SIGCONT systemd-journald");
  }
});

test("a command's input, environment, output and status pass through", async () => {
  const outcome = await one.run(["sh", "-c", "cat; echo $X >&2; exit 7"], { input: "in", env: { X: "err" } });
  expect(outcome).toEqual({ status: 7, stdout: "in", stderr: "err\n" });
  await expect(one.sh("echo out; echo err >&2; exit 3")).rejects.toThrow(/exit status 3\nout\nerr/);
  await expect(one.run(["sleep", "60"], { timeoutMs: 200 })).rejects.toThrow("took longer than 200 ms");
});

test("files are written and read inside, where the host has its own /run", async () => {
  await one.write("/run/folder/file", "text\n", 0o600);
  expect(await one.read("/run/folder/file")).toBe("text\n");
  expect(await one.sh("stat -c %a /run/folder/file")).toBe("600\n");
  expect(existsSync("/run/folder/file")).toBe(false);
});

test("a running command's lines are waited for, and it gets signals itself", async () => {
  const running = one.spawn(["sh", "-c", "trap 'echo caught; exit 3' INT; echo ready; while :; do sleep 0.05; done"]);
  await running.line("ready");
  await running.kill("SIGINT");
  expect(await running.line(/^caught/)).toBe("caught");
  expect(await running.exited).toBe(3);
  await expect(running.line("never")).rejects.toThrow("it has ended");
});

test("hosts know each other by name, until their network fails in one way or another", async () => {
  await serve();
  for (const fail of [() => two.cut(), () => two.lose(1), () => two.deafen(), () => two.mute()]) {
    await fail();
    expect(await fetched()).toBe(false);
    await two.mend();
    await one.until("the network to be back", fetched);
  }
});

test("a bad network loses packets, and a thin one lets few of them through", async () => {
  const received = async () => Number((await two.read("/proc/net/dev")).match(/eth0:\s+\d+\s+(\d+)/)?.[1]);
  const send =
    "import socket\nfor _ in range(400): socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(bytes(100), ('two', 9))";
  const arrive = async () => {
    const before = await received();
    await one.run(["python3", "-c", send]);
    return (await received()) - before;
  };
  await one.until("all to arrive", async () => (await arrive()) > 395);
  await two.lose(0.3);
  const some = await arrive();
  expect(some).toBeGreaterThan(200);
  expect(some).toBeLessThan(360);
  await two.thin(64);
  // 400 of these packets take 7 s of such a line.
  expect(await arrive()).toBeLessThan(200);
  await two.mend();
  await one.until("all to arrive again", async () => (await arrive()) > 395);
});

test("a network that failed is as good as new after a power loss", async () => {
  await two.mute();
  await two.kill();
  await two.start();
  await serve();
});

test("files outlive power loss and shutdown, and services see only the latter", async () => {
  const unit =
    "[Service]\nExecStart=sleep infinity\nExecStop=touch /root/stopped\n[Install]\nWantedBy=multi-user.target\n";
  await two.write("/etc/systemd/system/witness.service", unit);
  await two.sh("systemctl enable --now witness.service && sync");
  await two.kill();
  await two.start();
  expect(await two.sh("systemctl is-active witness.service; ls /root/stopped 2>&1 || true")).toMatch(/^active\nls: /);
  await two.powerOff();
  expect(await two.read("/root/stopped")).toBe("");
});

test("waiting in vain tells for what, and what was there instead", async () => {
  await expect(one.until("a miracle", () => 0, 100)).rejects.toThrow("waited 100 ms for one: a miracle; last: 0");
});

test("a closed lab leaves nothing behind", async () => {
  const other = await Lab.open();
  await other.boot("three");
  await other.close();
  expect(existsSync(`${base}/${other.id}`)).toBe(false);
  expect(await Array.fromAsync(new Bun.Glob(`${prefix(other.id)}*`).scan({ cwd: "/run/netns" }))).toEqual([]);
});

/** Has the second host answer the first one. */
async function serve(): Promise<void> {
  await two.spawn(["python3", "-u", "-m", "http.server", "8000"]).line("Serving HTTP");
  await one.until("the service to answer", fetched);
}

/** Whether it answers. */
async function fetched(): Promise<boolean> {
  const argv = ["curl", "--silent", "--max-time", "1", "--output", "/dev/null", "http://two:8000/"];
  return (await one.run(argv)).status === 0;
}
