// What may happen to a host: how it begins, and how it ends again.
import type { Host } from "../testbed/host.ts";

export interface Action {
  /** Where it may happen: on any host, or only on the one with the controller. */
  readonly on: "any" | "controller";
  /** How long it lasts, in ms, at least and at most; left out for what is over at once. */
  readonly lastsMs?: readonly [number, number];
  begin(host: Host): Promise<unknown>;
  end?(host: Host): Promise<unknown>;
}

const signal = (role: string, name: string) => (host: Host) =>
  host.run(["systemctl", "kill", "--kill-who=main", "-s", name, `bluechi-${role}`]);
/** systemd does the work meanwhile; that it fails now and then, as when the bus is away, is part of the play. */
const systemctl =
  (...argv: string[]) =>
  (host: Host) =>
    host.run(["systemctl", ...argv]);
/** A host that is off has no network; at its next boot it has a good one. */
const mend = async (host: Host) => host.isOn && host.mend();

export const actions: Readonly<Record<string, Action>> = {
  cut: { on: "any", lastsMs: [100, 4000], begin: (host) => host.cut(), end: mend },
  loss: { on: "any", lastsMs: [2000, 6000], begin: (host) => host.lose(0.3), end: mend },
  thin: { on: "any", lastsMs: [2000, 6000], begin: (host) => host.thin(64), end: mend },
  deaf: { on: "any", lastsMs: [100, 4000], begin: (host) => host.deafen(), end: mend },
  mute: { on: "any", lastsMs: [100, 4000], begin: (host) => host.mute(), end: mend },
  power: { on: "any", lastsMs: [0, 3000], begin: (host) => host.kill(), end: (host) => host.start() },
  killAgent: { on: "any", begin: signal("agent", "SIGKILL") },
  killController: { on: "controller", begin: signal("controller", "SIGKILL") },
  hangAgent: {
    on: "any",
    lastsMs: [100, 4000],
    begin: signal("agent", "SIGSTOP"),
    end: signal("agent", "SIGCONT"),
  },
  hangController: {
    on: "controller",
    lastsMs: [100, 4000],
    begin: signal("controller", "SIGSTOP"),
    end: signal("controller", "SIGCONT"),
  },
  restartAgent: { on: "any", begin: systemctl("restart", "bluechi-agent") },
  restartController: { on: "controller", begin: systemctl("restart", "bluechi-controller") },
  restartBus: { on: "any", begin: systemctl("restart", "dbus") },
  reexec: { on: "any", begin: systemctl("daemon-reexec") },
};
