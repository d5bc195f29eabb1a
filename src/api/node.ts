import { defineInterface } from "../bus/interface.ts";

export const nodeInterface = defineInterface({
  name: "org.eclipse.bluechi.Node",
  methods: {
    StartUnit: {
      in: { name: "s", mode: "s" },
      out: { job: "o" },
      help: "Starts a unit and returns the path of the job. The mode is one of systemd's, such as replace, fail, isolate or ignore-dependencies. The call is answered once systemd has taken the job; a refusal of systemd is passed on as it is.",
    },
    StopUnit: { in: { name: "s", mode: "s" }, out: { job: "o" }, help: "Stops a unit, likewise." },
    RestartUnit: {
      in: { name: "s", mode: "s" },
      out: { job: "o" },
      help: "Restarts a unit, or starts it if it is not running.",
    },
    ReloadUnit: { in: { name: "s", mode: "s" }, out: { job: "o" }, help: "Has a unit read its configuration again." },
    StartTransientUnit: {
      in: { name: "s", mode: "s", props: "a(sv)", aux: "a(sa(sv))" },
      out: { job: "o" },
      help: "Makes a unit that has no file, with these properties, and starts it. The job is that of the node's systemd, not one of the controller's.",
    },
    FreezeUnit: { in: { name: "s" }, out: {}, help: "Freezes the processes of a unit. Needs cgroup v2 on the node." },
    ThawUnit: { in: { name: "s" }, out: {}, help: "Lets them run on." },
    KillUnit: {
      in: { name: "s", who: "s", signal: "i" },
      out: {},
      help: "Sends a signal to processes of a unit; who is all, main or control.",
    },
    ResetFailed: { in: {}, out: {}, help: "Forgets that units of the node have failed." },
    ResetFailedUnit: { in: { name: "s" }, out: {}, help: "Forgets that a unit has failed." },
    GetUnitProperties: {
      in: { name: "s", interface: "s" },
      out: { props: "a{sv}" },
      help: "Returns all properties of a unit that an interface of it has, such as org.freedesktop.systemd1.Service, or those of all its interfaces when that is empty.",
    },
    GetUnitProperty: {
      in: { name: "s", interface: "s", property: "s" },
      out: { value: "v" },
      help: "Returns one property of a unit.",
    },
    SetUnitProperties: {
      in: { name: "s", runtime: "b", keyvalues: "a(sv)" },
      out: {},
      help: "Sets properties of a unit, until the next boot only or for good.",
    },
    EnableUnitFiles: {
      in: { files: "as", runtime: "b", force: "b" },
      out: { carries_install_info: "b", changes: "a(sss)" },
      help: "Enables unit files, until the next boot only or for good, replacing links that are in the way or not. Returns whether the files have an [Install] section, and the changes: symlink or unlink, the link, and what it points to.",
    },
    DisableUnitFiles: {
      in: { files: "as", runtime: "b" },
      out: { changes: "a(sss)" },
      help: "Disables unit files and returns the changes.",
    },
    GetUnitFileState: {
      in: { file: "s" },
      out: { state: "s" },
      help: "Returns whether a unit file is enabled, in the words of systemctl is-enabled.",
    },
    Reload: { in: {}, out: {}, help: "Has the node's systemd read its unit files again (systemctl daemon-reload)." },
    ListUnits: {
      in: {},
      out: { units: "a(ssssssouso)" },
      help: "Lists the loaded units, in rows as those of ListUnits of org.freedesktop.systemd1.Manager: name, description, load state, active state, sub state, followed unit, object path, id of the queued job or 0, its type and its path.",
    },
    ListUnitFiles: {
      in: {},
      out: { unitfiles: "a(ss)" },
      help: "Lists the installed unit files: paths with their states.",
    },
    GetDefaultTarget: { in: {}, out: { defaulttarget: "s" }, help: "Returns the target that the node boots into." },
    SetDefaultTarget: {
      in: { defaulttarget: "s", force: "b" },
      out: { out: "a(sss)" },
      help: "Sets the target that the node boots into and returns the changes.",
    },
    SetLogLevel: {
      in: { level: "s" },
      out: {},
      help: "Sets the level of the agent's log until its configuration is read again. An unknown level is ignored.",
    },
  },
  signals: {},
  properties: {
    Name: { type: "s", emits: "const", help: "The name of the node." },
    Status: { type: "s", emits: "change", help: "online or offline." },
    PeerIp: {
      type: "s",
      emits: "explicit",
      help: "The IP address that the node has connected from; empty while it is offline, and for an agent that came over the unix socket.",
    },
    LastSeenTimestamp: {
      type: "t",
      emits: "explicit",
      help: "When the node was last heard of, in microseconds since 1970; 0 for never.",
    },
    LastSeenTimestampMonotonic: { type: "t", emits: "explicit", help: "The same by the controller's monotonic clock." },
  },
});
