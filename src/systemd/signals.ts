import type { Signal } from "../bus/calls.ts";
import type { MatchRule } from "../bus/match.ts";
import { pickTexts } from "../bus/pick.ts";
import { decodeBody, splitArray } from "../bus/unmarshal.ts";
import { unitAt } from "./object-path.ts";
import type { SystemdListener } from "./port.ts";
import { statesOf } from "./properties.ts";
import { ReloadWindow } from "./reload-window.ts";

const managerPath = "/org/freedesktop/systemd1";
const managerName = "org.freedesktop.systemd1.Manager";
const unitName = "org.freedesktop.systemd1.Unit";
const jobName = "org.freedesktop.systemd1.Job";
const jobFolder = "/org/freedesktop/systemd1/job/";
const propertiesName = "org.freedesktop.DBus.Properties";

const managerSignals = ["UnitNew", "UnitRemoved", "JobRemoved", "Reloading"];

/** The rules that bring what is listened to from a bus. There are few and they stay: a bus limits their number. */
export const matchRules: readonly MatchRule[] = [
  ...managerSignals.map(
    (member) =>
      ({
        type: "signal",
        sender: "org.freedesktop.systemd1",
        path: managerPath,
        interface: managerName,
        member,
      }) as const,
  ),
  {
    type: "signal",
    sender: "org.freedesktop.systemd1",
    pathNamespace: managerPath,
    interface: propertiesName,
    member: "PropertiesChanged",
  },
];

/** Turns systemd's signals into what a listener hears. */
export class SystemdSignals {
  readonly #listener: () => SystemdListener | undefined;
  readonly #reload = new ReloadWindow();

  constructor(listener: () => SystemdListener | undefined) {
    this.#listener = listener;
  }

  /**
   * Whether a signal is of any use. A private connection brings every signal of systemd's, seven for a target that is started,
   * most of them of no interest.
   */
  wants(path: string, member: string): boolean {
    if (!path.startsWith(managerPath)) return true;
    if (path === managerPath) return managerSignals.includes(member);
    if (member !== "PropertiesChanged") return false;
    if (path.startsWith(jobFolder)) return true;
    const unit = unitAt(path);
    return unit !== undefined && (this.#listener()?.listensTo(unit) ?? false);
  }

  handle(signal: Signal): void {
    const { interface: interfaceName, member } = signal;
    if (interfaceName === managerName && signal.path === managerPath) this.#manager(signal);
    else if (interfaceName === propertiesName && member === "PropertiesChanged") this.#propertiesChanged(signal);
  }

  #manager({ member, body }: Signal): void {
    switch (member) {
      case "UnitNew":
      case "UnitRemoved":
        this.#unit(member, decodeBody(body)[0] as string);
        break;
      case "JobRemoved": {
        const [, path, unit, result] = decodeBody(body) as [number, string, string, string];
        this.#listener()?.jobRemoved(path, unit, result);
        break;
      }
      case "Reloading":
        this.#reloading(decodeBody(body)[0] as boolean);
        break;
    }
  }

  #unit(member: "UnitNew" | "UnitRemoved", unit: string): void {
    const report = member === "UnitNew" ? "unitNew" : "unitRemoved";
    if (this.#reload.open) this.#reload[report](unit);
    else this.#listener()?.[report](unit);
  }

  #reloading(active: boolean): void {
    if (active) {
      this.#reload.begin();
      return;
    }
    const { removed, added } = this.#reload.end();
    for (const unit of removed) this.#listener()?.unitRemoved(unit);
    for (const unit of added) this.#listener()?.unitNew(unit);
  }

  /** systemd tells a unit's states with every change of its Unit interface, never as invalidated. */
  #propertiesChanged({ path, body }: Signal): void {
    const listener = this.#listener();
    if (!listener) return;
    const unit = unitAt(path);
    const { before, array: properties } = splitArray(body, 1);
    const interfaceName = String(before[0]);
    if (unit === undefined) {
      if (interfaceName !== jobName) return;
      const { State: state } = pickTexts(properties, ["State"]);
      if (state !== undefined) listener.jobStateChanged(path, state);
      return;
    }
    const state = interfaceName === unitName ? statesOf(properties) : {};
    listener.unitPropertiesChanged(unit, interfaceName, properties, state);
  }
}
