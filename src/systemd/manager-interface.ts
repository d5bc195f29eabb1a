import { defineInterface } from "../bus/interface.ts";

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
