// The units of the hosts: targets of all kinds, and for each a unit on every other host that needs it.

const unit = "[Unit]\nStartLimitIntervalSec=0\n";

const targetTexts: Readonly<Record<string, string>> = {
  "steady.service": `${unit}StopWhenUnneeded=yes\n[Service]\nExecStart=sleep infinity\n`,
  "slow.service": `${unit}StopWhenUnneeded=yes\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=sleep 0.7\nExecStop=sleep 0.3\n`,
  "short.service": `${unit}[Service]\nExecStart=sleep 0.5\n`,
  "broken.service": `${unit}[Service]\nType=oneshot\nExecStart=false\n`,
};

export const targets = Object.keys(targetTexts);

export const dependencyOf = (target: string) => `bluechi-dep@${target}`;
export const proxyOf = (node: string, target: string) => `bluechi-proxy@${node}_${target}`;
const sourceOf = (node: string, target: string) => `needs-${node}-${target}`;

/** The units on a host that need those of others. */
export function sources(host: string, hosts: readonly string[]): string[] {
  return hosts.filter((node) => node !== host).flatMap((node) => targets.map((target) => sourceOf(node, target)));
}

/** All files of a host's units, by their names in /etc/systemd/system. */
export function unitFiles(host: string, hosts: readonly string[]): Record<string, string> {
  const files: Record<string, string> = { ...targetTexts };
  for (const node of hosts.filter((other) => other !== host)) {
    for (const [index, target] of targets.entries()) {
      const proxy = proxyOf(node, target);
      const need = (index + hosts.indexOf(node)) % 2 === 0 ? "Wants" : "BindsTo";
      files[sourceOf(node, target)] = `${unit}${need}=${proxy}\nAfter=${proxy}\n[Service]\nExecStart=sleep infinity\n`;
    }
  }
  // What is ended so often would not be started any more.
  for (const name of ["dbus", "bluechi-agent", "bluechi-controller", "bluechi-proxy@", "bluechi-dep@"])
    files[`${name}.service.d/chaos.conf`] = unit;
  return files;
}
