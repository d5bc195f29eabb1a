import { afterAll, beforeAll, expect, test } from "bun:test";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

const top = join(import.meta.dir, "../..");
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "bluechi-install-"));
  const make = Bun.spawnSync(["make", "-C", top, "install", `DESTDIR=${root}`, "PREFIX=/usr", "ZSH=site-functions"]);
  if (!make.success) throw new Error(`${make.stdout}${make.stderr}`);
});

afterAll(() => rm(root, { recursive: true }));

/** A line for each file and each empty folder: its mode, its path, and where it points to. */
function layout(): string[] {
  const paths = readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
  return paths.flatMap((path) => {
    const full = join(root, path);
    const stat = lstatSync(full);
    if (stat.isSymbolicLink()) return [`link /${path} -> ${readlinkSync(full)}`];
    if (stat.isDirectory() && readdirSync(full).length > 0) return [];
    return [`${(stat.mode & 0o777).toString(8)} /${path}`];
  });
}

test("make install lays out these files and no others", () => {
  expect(layout()).toEqual([
    "755 /etc/bluechi/agent.conf.d",
    "755 /etc/bluechi/controller.conf.d",
    "755 /usr/bin/bluechi",
    "link /usr/bin/bluechi-is-online -> bluechi",
    "link /usr/bin/bluechictl -> bluechi",
    "644 /usr/lib/systemd/system/bluechi-agent.service",
    "644 /usr/lib/systemd/system/bluechi-controller.service",
    "644 /usr/lib/systemd/system/bluechi-controller.socket",
    "644 /usr/lib/systemd/system/bluechi-dep@.service",
    "644 /usr/lib/systemd/system/bluechi-proxy@.service",
    "644 /usr/lib/systemd/user/bluechi-agent.service",
    "644 /usr/lib/systemd/user/bluechi-dep@.service",
    "644 /usr/lib/systemd/user/bluechi-proxy@.service",
    "644 /usr/lib/sysusers.d/bluechi.conf",
    "644 /usr/lib/tmpfiles.d/bluechi.conf",
    "link /usr/libexec/bluechi-agent -> ../bin/bluechi",
    "link /usr/libexec/bluechi-controller -> ../bin/bluechi",
    "link /usr/libexec/bluechi-proxy -> ../bin/bluechi",
    "link /usr/share/bash-completion/completions/bluechi-is-online -> bluechictl",
    "644 /usr/share/bash-completion/completions/bluechictl",
    "644 /usr/share/bluechi-agent/config/agent.conf",
    "644 /usr/share/bluechi/config/controller.conf",
    "644 /usr/share/bluechi/dbus-1/org.eclipse.bluechi.manage.conf",
    "644 /usr/share/bluechi/dbus-1/org.eclipse.bluechi.read.conf",
    "644 /usr/share/dbus-1/interfaces/org.eclipse.bluechi.Agent.xml",
    "644 /usr/share/dbus-1/interfaces/org.eclipse.bluechi.Cluster.xml",
    "644 /usr/share/dbus-1/interfaces/org.eclipse.bluechi.Controller.xml",
    "644 /usr/share/dbus-1/interfaces/org.eclipse.bluechi.Job.xml",
    "644 /usr/share/dbus-1/interfaces/org.eclipse.bluechi.Monitor.xml",
    "644 /usr/share/dbus-1/interfaces/org.eclipse.bluechi.Node.xml",
    "644 /usr/share/dbus-1/system.d/org.eclipse.bluechi.Agent.conf",
    "644 /usr/share/dbus-1/system.d/org.eclipse.bluechi.conf",
    "link /usr/share/fish/vendor_completions.d/bluechi-is-online.fish -> bluechictl.fish",
    "644 /usr/share/fish/vendor_completions.d/bluechictl.fish",
    "644 /usr/share/man/man1/bluechi-agent.1",
    "644 /usr/share/man/man1/bluechi-controller.1",
    "644 /usr/share/man/man1/bluechi-is-online.1",
    "644 /usr/share/man/man1/bluechi-join.1",
    "644 /usr/share/man/man1/bluechi-proxy.1",
    "644 /usr/share/man/man1/bluechi.1",
    "644 /usr/share/man/man1/bluechictl.1",
    "644 /usr/share/man/man5/bluechi-agent.conf.5",
    "644 /usr/share/man/man5/bluechi-controller.conf.5",
    "644 /usr/share/man/man5/org.eclipse.bluechi.5",
    "link /usr/share/man/man8/bluechi-dep@.service.8 -> bluechi-proxy@.service.8",
    "644 /usr/share/man/man8/bluechi-proxy@.service.8",
    "644 /usr/share/polkit-1/actions/org.eclipse.bluechi.policy",
    "644 /usr/share/zsh/site-functions/_bluechi",
  ]);
});

test("the units that people patch with plain INI tools have each key once, and one ExecStart that takes options", async () => {
  for (const role of ["controller", "agent"]) {
    const text = await Bun.file(join(root, `usr/lib/systemd/system/bluechi-${role}.service`)).text();
    const keys = text
      .split("\n")
      .flatMap((line) => (/^([A-Za-z]+)=/.test(line) ? [line.slice(0, line.indexOf("="))] : []));
    expect(keys).toEqual([...new Set(keys)]);
    expect(text).toMatch(new RegExp(`^ExecStart=/usr/libexec/bluechi-${role}$`, "m"));
    expect(text).not.toMatch(/\\$/m);
  }
});

test("every program and every unit has a manual page", () => {
  const files = layout().map((line) => line.split(" ")[1] ?? "");
  const pages = files.flatMap((file) => /^\/usr\/share\/man\/man\d\/(.+)\.(\d)$/.exec(file)?.slice(1).join(" ") ?? []);
  const programs = files.filter((file) => /^\/usr\/(bin|libexec)\//.test(file)).map((file) => basename(file));
  expect(programs.filter((name) => !pages.includes(`${name} 1`))).toEqual([]);
  for (const file of files.filter((name) => name.startsWith("/usr/lib/systemd/"))) {
    const [, references = ""] = /^Documentation=(.*)$/m.exec(readFileSync(join(root, file), "utf8")) ?? [];
    const names = [...references.matchAll(/man:(\S+)\((\d)\)/g)].map(([, name, section]) => `${name} ${section}`);
    expect(names).not.toEqual([]);
    expect(names.filter((name) => !pages.includes(name))).toEqual([]);
  }
});
