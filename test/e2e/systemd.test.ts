import { afterAll, beforeAll } from "bun:test";
import { join } from "node:path";
import { BusConnection } from "../../src/bus/connection.ts";
import type { UnitFile } from "../../src/systemd/fake-unit.ts";
import { Manager } from "../../src/systemd/manager.ts";
import { suiteUnits, systemdSuite } from "../systemd/suite.ts";
import type { Host } from "../testbed/host.ts";
import { Lab } from "../testbed/lab.ts";
import { patienceMs } from "../testbed/until.ts";

// What the fake systemd of the scenarios does is what the real one does: both pass one suite.
const lab = await Lab.open();
let host: Host;

// systemd's private socket serves only processes that it can see, so one of the host's own passes on what comes to a
// socket in its file system, which is reached from outside.
const relay = `
import os, socket, sys, threading
def pump(source, sink):
    try:
        while data := source.recv(65536): sink.sendall(data)
    except OSError: pass
    for end in (source, sink):
        try: end.shutdown(socket.SHUT_RDWR)
        except OSError: pass
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print("listening", flush=True)
while True:
    client = listener.accept()[0]
    server = socket.socket(socket.AF_UNIX)
    server.connect(sys.argv[2])
    for ends in ((client, server), (server, client)): threading.Thread(target=pump, args=ends, daemon=True).start()
`;
const ways = [
  { name: "systemd on its private socket", place: "/run/systemd/private", peerToPeer: true },
  { name: "systemd on the system bus", place: "/run/dbus/system_bus_socket", peerToPeer: false },
] as const;
const relayed = (place: string) => `/var/lib${place.replaceAll("/", "-")}`;

beforeAll(async () => {
  [host] = await lab.boot("one");
  for (const file of suiteUnits) await host.write(`/etc/systemd/system/${file.name}`, unitText(file));
  await host.sh("systemctl daemon-reload");
  for (const { place } of ways) await host.spawn(["python3", "-c", relay, relayed(place), place]).line("listening");
}, 2 * patienceMs);

afterAll(() => lab.close());

for (const { name, place, peerToPeer } of ways) {
  systemdSuite(name, {
    async connect() {
      const address = `unix:path=${join(host.root, relayed(place))}`;
      return Manager.over(await BusConnection.open(address, { peerToPeer }));
    },
    wait: (promise) => promise,
    async disconnect() {
      await host.sh("systemctl daemon-reexec");
    },
  });
}

/** The unit file that stands for one of the fake systemd's. */
function unitText(file: UnitFile): string {
  const lines = ["[Unit]"];
  const list = (key: string, names: readonly string[] = []) => names.map((name) => `${key}=${name}`);
  lines.push(...list("After", file.after), ...list("BindsTo", file.bindsTo), ...list("Wants", file.wants));
  if (file.stopWhenUnneeded) lines.push("StopWhenUnneeded=yes");
  lines.push("[Service]");
  if (file.type === "oneshot") lines.push("Type=oneshot");
  if (file.remainAfterExit) lines.push("RemainAfterExit=yes");
  const start = file.failsAtStart
    ? "false"
    : file.type === "oneshot"
      ? `sleep ${(file.startMs ?? 0) / 1000}`
      : "sleep infinity";
  lines.push(`ExecStart=${start}`);
  if (file.stopMs) lines.push(`ExecStop=sleep ${file.stopMs / 1000}`);
  lines.push("[Install]", "WantedBy=multi-user.target", "");
  return lines.join("\n");
}
