// Writes, from the tables of the API, what says who may call it: bun scripts/policy.ts FOLDER. In polkit/ are polkit's actions,
// in dbus-1/ the policies for the bus that let the group in, which people install who want that.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Access, actionId, actions, type PolkitAction } from "../src/api/access.ts";
import { agentInterface } from "../src/api/agent.ts";
import { interfaces } from "../src/api/interfaces.ts";
import { controllerName } from "../src/api/names.ts";

/** Who is let in, and the user that the controller runs as, whom polkit answers about others. */
const group = "bluechi";
const user = "bluechi";

const folder = process.argv[2];
if (folder === undefined) throw new Error("usage: bun scripts/policy.ts FOLDER");
for (const part of ["polkit", "dbus-1"]) mkdirSync(join(folder, part), { recursive: true });
writeFileSync(join(folder, "polkit/org.eclipse.bluechi.policy"), polkitFile());
writeFileSync(
  join(folder, "dbus-1/org.eclipse.bluechi.read.conf"),
  busFile(
    `Members of the group '${group}' may read: what changes nothing. They may use monitors of their own.`,
    [
      ["org.freedesktop.DBus.Properties", "Get"],
      ["org.freedesktop.DBus.Properties", "GetAll"],
    ],
    (access) => access === "read" || access === "owner",
  ),
);
writeFileSync(
  join(folder, "dbus-1/org.eclipse.bluechi.manage.conf"),
  busFile(
    `Members of the group '${group}' may ask for what changes something. The controller asks polkit whether they may.`,
    [],
    (access) => typeof access === "object",
  ),
);

/** A policy that lets the group send what is chosen, one method at a time (dbus-daemon(1)). */
function busFile(what: string, others: string[][], chosen: (access: Access) => boolean): string {
  const methods = interfaces
    .filter((table) => table !== agentInterface)
    .flatMap(({ name, methods }) =>
      Object.entries(methods).flatMap(([member, { access }]) => (chosen(access) ? [[name, member]] : [])),
    );
  const rules = [...methods, ...others].map(
    ([name, member]) =>
      `    <allow send_destination="${controllerName}" send_interface="${name}" send_member="${member}"/>`,
  );
  return `<?xml version="1.0"?>
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<!-- ${what}
     It counts once it is in /etc/dbus-1/system.d, and the bus is reloaded; see docs/security.md. -->
<busconfig>
  <policy group="${group}">
${rules.join("\n")}
  </policy>
</busconfig>
`;
}

/** The actions (polkit(8), "Declaring actions"), with the defaults of systemd's own. */
function polkitFile(): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE policyconfig PUBLIC "-//freedesktop//DTD PolicyKit Policy Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/PolicyKit/1/policyconfig.dtd">
<!-- Rules see the node, the unit and the verb by action.lookup(). -->
<policyconfig>
  <vendor>bluechi</vendor>
${Object.entries<PolkitAction>(actions)
  .map(([name, action]) => polkitAction(actionId(name as keyof typeof actions), action))
  .join("")}</policyconfig>
`;
}

function polkitAction(id: string, { description, message, implies = [] }: PolkitAction): string {
  const ids = implies.map((name) => actionId(name)).join(" ");
  const implied = ids && `    <annotate key="org.freedesktop.policykit.imply">${ids}</annotate>\n`;
  return `  <action id="${id}">
    <description>${description}</description>
    <message>${message}</message>
    <defaults>
      <allow_any>auth_admin</allow_any>
      <allow_inactive>auth_admin</allow_inactive>
      <allow_active>auth_admin_keep</allow_active>
    </defaults>
    <annotate key="org.freedesktop.policykit.owner">unix-user:${user}</annotate>
${implied}  </action>
`;
}
