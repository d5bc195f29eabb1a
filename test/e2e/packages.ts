// Packages made of this commit, and ones that look like the original's.
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "../testbed/command.ts";

const top = join(import.meta.dir, "../..");
const buildTimeoutMs = 600_000;

export type Kind = "rpm" | "deb";

/** Makes a package of this commit, quickly rather than small, and returns it. @param variables for `make` */
export async function makePackage(kind: Kind, ...variables: string[]): Promise<Uint8Array> {
  const arm64 = variables.some((variable) => variable.endsWith("arm64"));
  const glob = {
    rpm: `dist/rpm/${arm64 ? "aarch64" : "x86_64"}/*.rpm`,
    deb: `dist/deb/*_${arm64 ? "arm64" : "amd64"}.deb`,
  };
  const make = ["make", "--silent", "-C", top, kind, "PAYLOAD=w1.zstdio", "COMPRESSION=-Zgzip -z1", ...variables];
  await must(make, { timeoutMs: buildTimeoutMs });
  const [path, ...others] = new Bun.Glob(glob[kind]).scanSync(top);
  if (path === undefined || others.length > 0) throw new Error(`${make.join(" ")} made ${path} ${others}`);
  return readFile(join(top, path));
}

/** What their scriptlets do, as their distribution's macros have it: units are disabled and stopped with their package. */
const service = (name: string) => `
%package -n bluechi-${name}
Summary: the original's
%description -n bluechi-${name}
%preun -n bluechi-${name}
[ $1 -ne 0 ] || systemctl --no-reload disable --now bluechi-${name}.service
%files -n bluechi-${name}
/usr/libexec/bluechi-${name}
/usr/lib/systemd/system/bluechi-${name}.service
`;

const spec = `
Name: original
Version: 1.2.0
Release: 1
Summary: Packages with the names of the original's
License: none
BuildArch: noarch
%description
%install
mkdir -p %{buildroot}/usr/libexec %{buildroot}/usr/lib/systemd/system %{buildroot}/etc/bluechi %{buildroot}/usr/share/selinux
for name in controller agent; do
  printf '#!/bin/sh\\nexec sleep infinity\\n' >%{buildroot}/usr/libexec/bluechi-$name
  chmod 755 %{buildroot}/usr/libexec/bluechi-$name
  printf '[Service]\\nExecStart=/usr/libexec/bluechi-%%s\\n[Install]\\nWantedBy=multi-user.target\\n' $name \\
    >%{buildroot}/usr/lib/systemd/system/bluechi-$name.service
done
touch %{buildroot}/etc/bluechi/agent.conf %{buildroot}/usr/share/selinux/bluechi.pp
${service("controller")}%ghost /etc/bluechi/controller.conf
${service("agent")}%config(noreplace) /etc/bluechi/agent.conf
%package -n bluechi-selinux
Summary: the original's
%description -n bluechi-selinux
%files -n bluechi-selinux
/usr/share/selinux/bluechi.pp
`;

/** Packages by the names of the original's, whose settings are owned by them in two ways, and which run as it does. */
export async function makeOriginal(): Promise<ReadonlyMap<string, Uint8Array>> {
  const folder = await mkdtemp(join(tmpdir(), "bluechi-original-"));
  await mkdir(join(folder, "SPECS"));
  await writeFile(join(folder, "SPECS/original.spec"), spec);
  const rpmbuild = ["rpmbuild", "-bb", "--quiet", "--define", `_topdir ${folder}`, join(folder, "SPECS/original.spec")];
  await must(rpmbuild, { timeoutMs: buildTimeoutMs });
  const files = [...new Bun.Glob("RPMS/noarch/*.rpm").scanSync(folder)];
  const made = await Promise.all(
    files.map(async (file) => [file.slice(file.lastIndexOf("/") + 1), await readFile(join(folder, file))] as const),
  );
  await must(["rm", "-r", folder]);
  return new Map(made);
}
