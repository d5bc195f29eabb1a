import type { Arguments, Interface } from "./interface.ts";

/** The declaration that an introspection document and an interface file begin with. */
export const doctype = `<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"
"https://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">
`;

// As sd-bus prints them.
const standardInterfaces = ` <interface name="org.freedesktop.DBus.Peer">
  <method name="Ping"/>
  <method name="GetMachineId">
   <arg type="s" name="machine_uuid" direction="out"/>
  </method>
 </interface>
 <interface name="org.freedesktop.DBus.Introspectable">
  <method name="Introspect">
   <arg name="xml_data" type="s" direction="out"/>
  </method>
 </interface>
 <interface name="org.freedesktop.DBus.Properties">
  <method name="Get">
   <arg name="interface_name" direction="in" type="s"/>
   <arg name="property_name" direction="in" type="s"/>
   <arg name="value" direction="out" type="v"/>
  </method>
  <method name="GetAll">
   <arg name="interface_name" direction="in" type="s"/>
   <arg name="props" direction="out" type="a{sv}"/>
  </method>
  <method name="Set">
   <arg name="interface_name" direction="in" type="s"/>
   <arg name="property_name" direction="in" type="s"/>
   <arg name="value" direction="in" type="v"/>
  </method>
  <signal name="PropertiesChanged">
   <arg type="s" name="interface_name"/>
   <arg type="a{sv}" name="changed_properties"/>
   <arg type="as" name="invalidated_properties"/>
  </signal>
 </interface>
`;

/** The introspection document of an object (D-Bus specification, "Introspection Data Format"). */
export function introspect(tables: readonly Interface[], children: Iterable<string>): string {
  const nodes = [...children].sort().map((name) => ` <node name="${name}"/>\n`);
  return `${doctype}<node>\n${standardInterfaces}${tables.map(interfaceXml).join("")}${nodes.join("")}</node>\n`;
}

/** An interface as one element of such a document. */
export function interfaceXml(table: Interface): string {
  const methods = Object.entries(table.methods).map(([name, method]) =>
    element("method", name, argumentsXml(method.in, "in") + argumentsXml(method.out, "out")),
  );
  const signals = Object.entries(table.signals).map(([name, { args }]) => element("signal", name, argumentsXml(args)));
  const properties = Object.entries(table.properties).map(([name, { type, emits }]) =>
    element("property", `${name}" type="${type}" access="read`, annotations[emits]),
  );
  return ` <interface name="${table.name}">\n${methods.join("")}${signals.join("")}${properties.join("")} </interface>\n`;
}

function element(kind: string, name: string, content: string): string {
  return content === "" ? `  <${kind} name="${name}"/>\n` : `  <${kind} name="${name}">\n${content}  </${kind}>\n`;
}

const annotations = {
  change: "",
  const: annotation("org.freedesktop.DBus.Property.EmitsChangedSignal", "const"),
  explicit:
    annotation("org.freedesktop.systemd1.Explicit", "true") +
    annotation("org.freedesktop.DBus.Property.EmitsChangedSignal", "false"),
};

function annotation(name: string, value: string): string {
  return `   <annotation name="${name}" value="${value}"/>\n`;
}

function argumentsXml(args: Arguments, direction?: "in" | "out"): string {
  const suffix = direction ? ` direction="${direction}"` : "";
  return Object.entries(args)
    .map(([name, type]) => `   <arg type="${type}" name="${name}"${suffix}/>\n`)
    .join("");
}
