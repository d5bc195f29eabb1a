import { expect, test } from "bun:test";
import { unitAt, unitPath } from "./object-path.ts";

test("a unit's object path is made of its name and read back", () => {
  const paths = {
    "ssh.service": "/org/freedesktop/systemd1/unit/ssh_2eservice",
    "-.mount": "/org/freedesktop/systemd1/unit/_2d_2emount",
    "dev-disk-by\\x2duuid.device": "/org/freedesktop/systemd1/unit/dev_2ddisk_2dby_5cx2duuid_2edevice",
    "9p@ü.service": "/org/freedesktop/systemd1/unit/_39p_40_c3_bc_2eservice",
    "a_b.target": "/org/freedesktop/systemd1/unit/a_5fb_2etarget",
  };
  for (const [unit, path] of Object.entries(paths)) {
    expect(unitPath(unit)).toBe(path);
    expect(unitAt(path)).toBe(unit);
  }
  expect(unitAt("/org/freedesktop/systemd1/job/5")).toBeUndefined();
  expect(unitAt("/org/freedesktop/systemd1")).toBeUndefined();
});

test("units are read back however many there are", () => {
  const units = Array.from({ length: 2000 }, (_, index) => `unit-${index}.service`);
  for (let round = 0; round < 2; round++) expect(units.map((unit) => unitAt(unitPath(unit)))).toEqual(units);
});
