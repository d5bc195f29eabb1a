import type { Body } from "../base/body.ts";
import { Failure } from "../base/failure.ts";
import { decodeNamed, encodeNamed } from "../bus/named.ts";
import type { FakeSystemd } from "./fake.ts";
import type { FakeUnit } from "./fake-unit.ts";
import { checkManagerCall, type ManagerMethod, noSuchUnit } from "./manager-interface.ts";
import { unitPath } from "./object-path.ts";

/** A method of the Manager of a fake systemd. */
export function callFakeManager(fake: FakeSystemd, method: string, body: Body): Body {
  const { in: input, out: output } = checkManagerCall(method, body);
  const answer = methods[method as ManagerMethod](fake, decodeNamed(input, body) as never);
  return encodeNamed(output, (answer ?? {}) as object);
}

interface Arguments {
  readonly name: string;
  readonly mode: string;
  readonly signal: number;
  readonly files: readonly string[];
  readonly file: string;
}

const methods: Record<ManagerMethod, (fake: FakeSystemd, args: Arguments) => unknown> = {
  FreezeUnit: (fake, { name }) => freeze(fake, name, true),
  ThawUnit: (fake, { name }) => freeze(fake, name, false),
  KillUnit(fake, { name, signal }) {
    const unit = loaded(fake, name);
    if (unit.down) return;
    if (cleanSignals.includes(signal)) unit.end();
    else unit.fail();
  },
  ResetFailed(fake) {
    for (const unit of fake.units) if (unit.activeState === "failed") unit.end();
  },
  ResetFailedUnit(fake, { name }) {
    const unit = loaded(fake, name);
    if (unit.activeState === "failed") unit.end();
  },
  SetUnitProperties: (fake, { name }) => void fake.load(name),
  EnableUnitFiles(fake, { files }) {
    const changes = files.filter((file) => !fake.enabled.has(known(fake, file)));
    for (const file of changes) fake.enabled.add(file);
    const link = (file: string) => ["symlink", `/etc/systemd/system/multi-user.target.wants/${file}`, file];
    return { carries_install_info: true, changes: changes.map(link) };
  },
  DisableUnitFiles(fake, { files }) {
    const changes = files.filter((file) => fake.enabled.delete(file));
    const link = (file: string) => ["unlink", `/etc/systemd/system/multi-user.target.wants/${file}`, ""];
    return { changes: changes.map(link) };
  },
  GetUnitFileState: (fake, { file }) => ({ state: fake.enabled.has(known(fake, file)) ? "enabled" : "disabled" }),
  Reload() {},
  ListUnits: (fake) => ({ units: fake.units.map((unit) => row(fake, unit)) }),
  ListUnitFiles: (fake) => ({
    unit_files: fake.files.map(({ name }) => [
      `/etc/systemd/system/${name}`,
      fake.enabled.has(name) ? "enabled" : "disabled",
    ]),
  }),
  GetDefaultTarget: (fake) => ({ name: fake.defaultTarget }),
  SetDefaultTarget(fake, { name }) {
    fake.defaultTarget = name;
    return { changes: [["symlink", "/etc/systemd/system/default.target", `/lib/systemd/system/${name}`]] };
  },
  StartTransientUnit(fake, { name, mode }) {
    fake.define({ name });
    return { job: fake.jobs.enqueue("start", name, mode) };
  },
};

/** SIGHUP, SIGINT, SIGPIPE and SIGTERM end a service cleanly (systemd.service(5), SuccessExitStatus=). */
const cleanSignals = [1, 2, 13, 15];

function loaded(fake: FakeSystemd, name: string): FakeUnit {
  const unit = fake.loaded(name);
  if (!unit) throw new Failure(noSuchUnit, `Unit ${name} not loaded.`);
  return unit;
}

function known(fake: FakeSystemd, file: string): string {
  if (fake.fileOf(file)) return file;
  throw new Failure("org.freedesktop.DBus.Error.FileNotFound", "No such file or directory");
}

function freeze(fake: FakeSystemd, name: string, frozen: boolean): void {
  const unit = loaded(fake, name);
  if (unit.down) throw new Failure("org.freedesktop.systemd1.UnitInactive", "Unit is inactive.");
  unit.frozen = frozen;
  fake.tellProperties(unit);
}

function row(fake: FakeSystemd, unit: FakeUnit): unknown[] {
  const job = fake.jobs.of(unit);
  const { name, activeState, subState } = unit;
  return [
    name,
    name,
    "loaded",
    activeState,
    subState,
    "",
    unitPath(name),
    job?.id ?? 0,
    job?.type ?? "",
    job?.path ?? "/",
  ];
}
