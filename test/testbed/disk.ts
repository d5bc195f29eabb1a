// A host's root: the ground, under layers (the product as installed) and a writable layer of the host.
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { must } from "./command.ts";

/** Services of a machine that a host does without: they are noise, slow, or would reach for the machine's network. */
const masked = [
  "apt-daily-upgrade.timer",
  "apt-daily.timer",
  "containerd.service",
  "docker.service",
  "dpkg-db-backup.timer",
  "e2scrub_all.timer",
  "e2scrub_reap.service",
  "fstrim.timer",
  "logrotate.timer",
  "networking.service",
  "nginx.service",
  "postgresql.service",
  "redis-server.service",
  "ssh.service",
  "systemd-networkd-wait-online.service",
  "systemd-resolved.service",
  "systemd-timesyncd.service",
];

/** Mounts the root of a host that has never run, and returns it. @param layers the first one is on top, the last one the ground */
export async function makeRoot(folder: string, name: string, layers: readonly string[]): Promise<string> {
  const [upper, work, root] = ["upper", "work", "root"].map((part) => `${folder}/${part}`) as [string, string, string];
  for (const part of [upper, work, root]) await mkdir(part, { recursive: true });
  const lower = layers.join(":");
  await must(["mount", "-t", "overlay", "-o", `lowerdir=${lower},upperdir=${upper},workdir=${work}`, "overlay", root]);
  const machineId = crypto.randomUUID().replaceAll("-", "");
  await writeFile(`${root}/etc/machine-id`, `${machineId}\n`);
  await rm(`${root}/var/lib/dbus/machine-id`, { force: true });
  await writeFile(`${root}/etc/hostname`, `${name}\n`);
  await writeFile(`${root}/etc/fstab`, "");
  // An empty journal of its own, on disk so that it outlives the host's reboots.
  await rm(`${root}/var/log/journal`, { recursive: true, force: true });
  await mkdir(`${root}/var/log/journal`);
  for (const unit of masked) {
    const path = `${root}/etc/systemd/system/${unit}`;
    await rm(path, { force: true });
    await symlink("/dev/null", path);
  }
  return root;
}
