import type { Body } from "../base/body.ts";
import { ErrorName, Failure } from "../base/failure.ts";
import { defineInterface, type Method, signatureOf } from "../bus/interface.ts";

/** The methods of systemd's Manager (org.freedesktop.systemd1(5)) that others may call through us: these and no more. */
export const managerInterface = defineInterface({
  name: "org.freedesktop.systemd1.Manager",
  methods: {
    FreezeUnit: { in: { name: "s" }, out: {} },
    ThawUnit: { in: { name: "s" }, out: {} },
    KillUnit: { in: { name: "s", who: "s", signal: "i" }, out: {} },
    ResetFailed: { in: {}, out: {} },
    ResetFailedUnit: { in: { name: "s" }, out: {} },
    SetUnitProperties: { in: { name: "s", runtime: "b", properties: "a(sv)" }, out: {} },
    EnableUnitFiles: {
      in: { files: "as", runtime: "b", force: "b" },
      out: { carries_install_info: "b", changes: "a(sss)" },
    },
    DisableUnitFiles: { in: { files: "as", runtime: "b" }, out: { changes: "a(sss)" } },
    GetUnitFileState: { in: { file: "s" }, out: { state: "s" } },
    Reload: { in: {}, out: {} },
    ListUnits: { in: {}, out: { units: "a(ssssssouso)" } },
    ListUnitFiles: { in: {}, out: { unit_files: "a(ss)" } },
    GetDefaultTarget: { in: {}, out: { name: "s" } },
    SetDefaultTarget: { in: { name: "s", force: "b" }, out: { changes: "a(sss)" } },
    StartTransientUnit: { in: { name: "s", mode: "s", properties: "a(sv)", aux: "a(sa(sv))" }, out: { job: "o" } },
  },
  signals: {},
  properties: {},
});

/** These read all unit files again, which takes a slow host its time. */
export const slowMethods: ReadonlySet<string> = new Set([
  "Reload",
  "EnableUnitFiles",
  "DisableUnitFiles",
  "SetDefaultTarget",
  "ListUnitFiles",
]);

/** These have long answers, and no arguments: one answer serves all who want it at the time. */
export const lists: ReadonlySet<string> = new Set(["ListUnits", "ListUnitFiles"]);

/** systemd's error for a unit that it does not have. */
export const noSuchUnit = "org.freedesktop.systemd1.NoSuchUnit";

export type ManagerMethod = keyof typeof managerInterface.methods;

/**
 * The method of the table that a call asks for.
 * @throws Failure UnknownMethod when there is none, InvalidArgs when its arguments are of other types, worded as sd-bus does.
 */
export function checkManagerCall(method: string, args: Body): Method {
  const { name, methods } = managerInterface;
  if (!Object.hasOwn(methods, method))
    throw new Failure(ErrorName.UnknownMethod, `Unknown method ${method} or interface ${name}.`);
  const found: Method = methods[method as ManagerMethod];
  const expected = signatureOf(found.in);
  if (args.signature === expected) return found;
  throw new Failure(
    ErrorName.InvalidArgs,
    `Invalid arguments '${args.signature}' to call ${name}.${method}(), expecting '${expected}'.`,
  );
}
