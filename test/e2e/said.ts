// What systemd says when it refuses something, which reaches people as it is: its versions differ in it.
import { systemdVersion } from "../testbed/ground.ts";

const older = systemdVersion < 257;

export const said = {
  inactive: older ? "Unit is inactive." : "Unit is not active",
  noFile: (unit: string) => (older ? `Unit file ${unit} does not exist.` : `Unit ${unit} does not exist`),
  maskedFile: (path: string) => (older ? `Unit file ${path} is masked.` : `Unit ${path} is masked`),
  exists: (path: string, to: string) =>
    older
      ? `File ${path} already exists and is a symlink to ${to}.`
      : `File '${path}' already exists and is a symlink to ${to}`,
};
