// The processes: who they run as, what they may, who may use the unix socket, and what they never load.
import { afterAll, expect } from "bun:test";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";
import { reload } from "./reloading.ts";

const cluster = await Cluster.start(["main"], {
  controller: "[node person]\nAllowed=true\n[node main]\nAllowDependenciesOn=main",
});
const test = testsOn(cluster.lab);
const { main } = cluster;
const socket = "/run/bluechi/bluechi.sock";

afterAll(() => cluster.close());

const status = async (unit: string, key: string) => {
  const pid = (await main.sh(`systemctl show -P MainPID ${unit}`)).trim();
  return (await main.sh(`sed -n 's/^${key}:\\t//p' /proc/${pid}/status`)).trim();
};

// What is missing from 0 is explained in each unit.
for (const [unit, most] of [
  ["bluechi-controller.service", 1.5],
  ["bluechi-agent.service", 1.8],
  ["bluechi-proxy@main_x.service", 6.2],
] as const) {
  test(`systemd-analyze security finds no more than ${most} in ${unit}`, async () => {
    const report = (await main.run(["systemd-analyze", "security", "--no-pager", unit])).stdout;
    const level = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(report)?.[1]);
    const shown = report.split("\n").filter((line) => line.startsWith("✗"));
    if (!(level <= most)) throw new Error(`${level}\n${shown.join("\n")}`);
  });
}

test("the controller is a user's without rights, but for low ports; no daemon can get new ones", async () => {
  const uid = (await main.sh("id -u bluechi")).trim();
  expect((await status("bluechi-controller", "Uid")).split("\t")).toEqual([uid, uid, uid, uid]);
  // CAP_NET_BIND_SERVICE is 10, CAP_DAC_OVERRIDE is 1.
  for (const key of ["CapEff", "CapBnd"]) {
    expect(await status("bluechi-controller", key)).toBe((1 << 10).toString(16).padStart(16, "0"));
    expect(await status("bluechi-agent", key)).toBe((1 << 1).toString(16).padStart(16, "0"));
  }
  for (const unit of ["bluechi-controller", "bluechi-agent"]) {
    expect(await status(unit, "NoNewPrivs")).toBe("1");
    expect(await status(unit, "Seccomp")).toBe("2");
    // A dump of their memory would have their private keys in it.
    expect(await main.sh(`grep 'core file' /proc/$(systemctl show -P MainPID ${unit})/limits`)).toMatch(/ 0 +0 +bytes/);
  }
  expect(await main.sh("ss -Hltn 'sport = :842' | wc -l")).toBe("1\n");
});

test("what root's controller left behind is the user's after an upgrade", async () => {
  await main.sh("systemctl stop bluechi-controller");
  await main.sh("rm -rf /run/bluechi /var/lib/bluechi && mkdir -m 700 /run/bluechi /var/lib/bluechi");
  await main.sh("touch /var/lib/bluechi/kept && chmod 600 /var/lib/bluechi/kept");
  // A socket that nobody listens on any more.
  await main.sh(`python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("${socket}")'`);
  await main.sh("systemctl start bluechi-controller");
  await cluster.online("main");
  expect(await main.sh(`stat -c '%a %U' /run/bluechi ${socket} /var/lib/bluechi /var/lib/bluechi/kept`)).toBe(
    "711 bluechi\n600 bluechi\n700 bluechi\n600 bluechi\n",
  );
});

test("the controller reads drop-ins of the unit and of the configuration, and says what it cannot see", async () => {
  const dropIn = "/etc/systemd/system/bluechi-controller.service.d/zz.conf";
  const start = (file: string) => `[Service]\nExecStart=\nExecStart=/usr/libexec/bluechi-controller -c ${file}\n`;
  await main.write("/etc/bluechi/named.conf", "[bluechi-controller]\nLogLevel=WARN\n");
  await main.write(dropIn, start("/etc/bluechi/named.conf"));
  await main.sh("systemctl daemon-reload && systemctl restart bluechi-controller");
  const level = "busctl get-property org.eclipse.bluechi /org/eclipse/bluechi org.eclipse.bluechi.Controller LogLevel";
  expect(await main.sh(level)).toBe('s "WARN"\n');
  for (const [file, why] of [
    [
      "/root/named.conf",
      "in /home, /root and /tmp a service may see nothing: ProtectHome= and PrivateTmp= of its unit",
    ],
    ["/etc/bluechi/private.conf", "the service runs as user 'bluechi'"],
  ] as const) {
    await main.write(file, "[bluechi-controller]\n", 0o600);
    await main.write(dropIn, start(file));
    await main.sh("systemctl daemon-reload");
    expect((await main.run(["systemctl", "restart", "bluechi-controller"])).status).not.toBe(0);
    await main.logged("bluechi-controller", why);
  }
  await main.sh(`rm ${dropIn} && systemctl daemon-reload && systemctl reset-failed bluechi-controller`);
  await main.sh("systemctl start bluechi-controller");
  await cluster.online("main");
});

/** An agent of a user of this host, over the unix socket. @returns the line that says how that went. */
async function tries(user: string, ...groups: string[]): Promise<string> {
  const ids = (await main.sh(`id -u ${user}; id -g ${user}`)).trim().split("\n");
  const asUser = ["setpriv", `--reuid=${ids[0]}`, `--regid=${ids[1]}`];
  const argv = [...asUser, groups.length > 0 ? `--groups=${groups}` : "--clear-groups"];
  const agent = main.spawn(
    [...argv, "/usr/libexec/bluechi-agent", "--user", "-n", "person", "-a", `unix:path=${socket}`],
    { XDG_RUNTIME_DIR: `/run/user/${ids[0]}`, BC_LOG_TARGET: "stderr" },
  );
  const line = await agent.line(/Connected to controller as|failed: |cannot connect/);
  await agent.kill();
  await agent.exited;
  return line.replace(/^.*\t: /, "");
}

test("the unix socket is root's and the controller's, and whose the settings name", async () => {
  await main.sh("useradd --create-home person && loginctl enable-linger person");
  await main.sh("useradd --create-home other && loginctl enable-linger other && groupadd fleet");
  await main.until("the users' systemds", async () => {
    const uids = await main.sh("id -u person; id -u other");
    return (
      (
        await main.run([
          "ls",
          ...uids
            .trim()
            .split("\n")
            .map((uid) => `/run/user/${uid}/bus`),
        ])
      ).status === 0
    );
  });
  const fleet = (await main.sh("getent group fleet | cut -d: -f3")).trim();
  const file = "/etc/bluechi/controller.conf.d/zz-socket.conf";
  const set = async (...lines: string[]) => {
    await main.write(file, `[bluechi-controller]\n${lines.join("\n")}\n`);
    await reload(main, "controller");
    return (await main.sh(`stat -c '%a %G' ${socket}`)).trim();
  };
  expect(await set()).toStartWith("600 ");
  expect(await tries("person")).toContain("permission denied");
  expect(await set("SocketUser=person")).toStartWith("666 ");
  expect(await tries("person")).toBe("Connected to controller as 'person'");
  const other = (await main.sh("id -u other")).trim();
  expect(await tries("other")).toContain(
    `user ${other} may not use the unix socket (SocketUser=, SocketGroup= of the controller)`,
  );
  await main.logged(
    "bluechi-controller",
    `Connection from a local peer refused: user ${other} may not use the unix socket`,
  );
  // The controller can give its file only to a group that it is in itself.
  expect(await set("SocketGroup=fleet")).toStartWith("600 ");
  await main.logged("bluechi-controller", `${socket} stays closed to others`);
  await main.write(
    "/etc/systemd/system/bluechi-controller.service.d/fleet.conf",
    "[Service]\nSupplementaryGroups=fleet\n",
  );
  await main.sh("systemctl daemon-reload && systemctl restart bluechi-controller");
  expect(await set("SocketGroup=fleet", "HeartbeatInterval=1000")).toBe("660 fleet");
  expect(await tries("person")).toContain("permission denied");
  expect(await tries("person", fleet)).toBe("Connected to controller as 'person'");
  await main.sh(`rm ${file}`);
  await reload(main, "controller");
  expect(await main.sh(`stat -c %a ${socket}`)).toBe("600\n");
});

test("a socket that the service manager hands over is checked likewise, whatever its mode", async () => {
  await main.sh("systemctl stop bluechi-controller bluechi-agent");
  const dropIn = "/etc/systemd/system/bluechi-controller.socket.d/open.conf";
  await main.write(dropIn, "[Socket]\nSocketMode=0666\n");
  await main.sh("systemctl daemon-reload && systemctl start bluechi-controller.socket");
  expect(await tries("other")).toContain("may not use the unix socket");
  await main.write("/etc/bluechi/agent.conf.d/zz.conf", `[bluechi-agent]\nControllerAddress=unix:path=${socket}\n`);
  await main.sh("systemctl start bluechi-agent");
  await cluster.online("main");
  await main.sh(`rm ${dropIn} && systemctl daemon-reload`);
  await main.sh(
    "systemctl stop bluechi-controller.socket bluechi-controller && systemctl start bluechi-controller.socket",
  );
  expect(await main.sh(`stat -c '%a %U' ${socket}`)).toBe("600 root\n");
  await cluster.online("main");
  await main.sh("systemctl stop bluechi-controller.socket && systemctl restart bluechi-controller");
  await cluster.online("main");
});

const evil = "require('node:fs').writeFileSync('/tmp/evil', process.argv0);\n";
const folder = "/tmp/hostile";

/** A folder with all that the runtime would take code or settings from, were the program not compiled. */
async function hostileFolder(): Promise<void> {
  const files = {
    ".env": "BC_LOG_LEVEL=NONSENSE\nBUN_OPTIONS=--preload=./evil.js\n",
    "bunfig.toml": 'preload = ["./evil.js"]\n',
    "package.json": '{"name":"evil","type":"module","imports":{"#*":"./evil.js"},"scripts":{"ctl":"./evil.js"}}\n',
    "tsconfig.json": '{"compilerOptions":{"paths":{"*":["./evil.js"]}}}\n',
    "jsconfig.json": '{"compilerOptions":{"paths":{"*":["./evil.js"]}}}\n',
    "evil.js": evil,
    "index.js": evil,
    "src/main.ts": evil,
    "node_modules/citty/index.js": evil,
    "node_modules/citty/package.json": '{"name":"citty","main":"index.js"}\n',
    "node_modules/@peculiar/x509/index.js": evil,
    "node_modules/reflect-metadata/index.js": evil,
  };
  for (const [name, text] of Object.entries(files)) await main.write(`${folder}/${name}`, text);
}

/** Every role, with work that goes as far as that can without disturbing the daemons that run. */
const roles: readonly (readonly [program: string, ...argv: string[]])[] = [
  ["/usr/libexec/bluechi-controller", "-p", "8420"],
  ["/usr/libexec/bluechi-agent", "-n", "nobody", "-p", "1"],
  ["/usr/libexec/bluechi-proxy", "remove", "main_x.service"],
  ["/usr/bin/bluechictl", "list-units", "main"],
  ["/usr/bin/bluechi-is-online", "node", "main"],
  // It gets as far as asking who answers there, with all that reads certificates loaded.
  ["/usr/bin/bluechi", "join", "--request=127.0.0.1:1", "--name=nobody"],
  ["/usr/bin/bluechi", "--version"],
];

for (const argv of roles) {
  test(`a hostile folder is nothing to ${argv.join(" ")}`, async () => {
    await hostileFolder();
    const script = `rm -f /tmp/evil; cd ${folder} && timeout 5 ${argv.join(" ")} >/dev/null 2>&1; test ! -e /tmp/evil`;
    await main.sh(script);
  });
}

test("the same folder is a trap for a runtime that is no program of ours", async () => {
  await hostileFolder();
  await main.sh(`rm -f /tmp/evil; cd ${folder} && ${process.execPath} -e 1; test -e /tmp/evil; rm /tmp/evil`);
});

test("what the environment of systemd's services says does not reach the runtime", async () => {
  await hostileFolder();
  const variables = [
    `BUN_OPTIONS=--preload=${folder}/evil.js`,
    "BUN_BE_BUN=1",
    `NODE_OPTIONS=--require=${folder}/evil.js`,
  ];
  await main.sh(
    `systemctl set-environment ${variables.join(" ")} BUN_INSPECT_PRELOAD=${folder}/evil.js LD_PRELOAD=/x.so`,
  );
  await main.sh("rm -f /tmp/evil; systemctl restart bluechi-controller bluechi-agent");
  await cluster.online("main");
  await cluster.service("main", "x.service", "ExecStart=sleep infinity");
  await main.sh("systemctl start bluechi-proxy@main_x.service && systemctl stop bluechi-proxy@main_x.service");
  for (const unit of ["bluechi-controller", "bluechi-agent"]) {
    const pid = (await main.sh(`systemctl show -P MainPID ${unit}`)).trim();
    expect(await main.sh(`tr '\\0' '\\n' </proc/${pid}/environ`)).not.toMatch(/BUN_OPTIONS|BE_BUN|NODE_|INSPECT|LD_/);
    expect((await main.run(["test", "-e", `/proc/${pid}/root/tmp/evil`])).status).toBe(1);
  }
  expect((await main.run(["test", "-e", "/tmp/evil"])).status).toBe(1);
  await main.sh("systemctl unset-environment BUN_OPTIONS BUN_BE_BUN NODE_OPTIONS BUN_INSPECT_PRELOAD LD_PRELOAD");
});
