// Makes the Debian package of the tree that it lies in, an unpacked source tarball: bun scripts/deb.ts FOLDER ARCHITECTURE [TARGET],
// with a TARGET such as bun-linux-arm64 for another kind of machine. COMPRESSION in the environment holds options of dpkg-deb.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { $ } from "bun";
import { maintainer, origin, version } from "./version.ts";

const [given, architecture, target = ""] = process.argv.slice(2);
if (given === undefined || architecture === undefined) throw new Error("usage: deb.ts FOLDER ARCHITECTURE [TARGET]");
const folder = resolve(given);
process.chdir(join(import.meta.dir, ".."));
const { release, date } = origin();
const full = `${version}-${release}`;

const staging = await mkdtemp(join(tmpdir(), "bluechi-deb-"));
const root = join(staging, "root");
try {
  await $`make --silent install DESTDIR=${root} PREFIX=/usr ZSH=vendor-completions TARGET=${target}`;
  await $`bash packaging/compress-manual.sh ${root}/usr/share/man`;
  await documents();
  await control();
  await mkdir(folder, { recursive: true });
  const file = join(folder, `bluechi_${full}_${architecture}.deb`);
  const compression = process.env.COMPRESSION?.split(" ").filter(Boolean) ?? [];
  // Two builds of one commit are the same package: whatever is newer, and everything is, gets the commit's date.
  const env = { ...process.env, SOURCE_DATE_EPOCH: `${date}` };
  await $`dpkg-deb --build --root-owner-group ${compression} ${root} ${file}`.env(env).quiet();
} finally {
  await rm(staging, { recursive: true });
}

/** A text of packaging/deb with its places filled in. */
async function fill(name: string, values: Record<string, string>): Promise<string> {
  let text = await Bun.file(`packaging/deb/${name}`).text();
  const all = { VERSION: full, MAINTAINER: maintainer, ...values };
  for (const [key, value] of Object.entries(all)) text = text.replaceAll(`@${key}@`, value);
  return text;
}

async function documents(): Promise<void> {
  const docs = join(root, "usr/share/doc/bluechi");
  await $`install -d ${docs}`;
  await $`install -m 644 packaging/deb/copyright ${docs}`;
  await $`install -m 644 CHANGELOG.md ${docs}/changelog`;
  const dated = { DATE: new Date(date * 1000).toUTCString().replace("GMT", "+0000") };
  await Bun.write(join(docs, "changelog.Debian"), await fill("changelog", dated));
  await $`gzip -9n ${docs}/changelog ${docs}/changelog.Debian`;
  await $`install -m 644 README.md ${[...new Bun.Glob("docs/*.md").scanSync(".")]} ${docs}`;
  await $`install -D -m 644 packaging/deb/lintian-overrides ${root}/usr/share/lintian/overrides/bluechi`;
}

async function control(): Promise<void> {
  const files = (await $`find . -type f -printf '%P\n'`.cwd(root).text()).trim().split("\n").sort();
  const size = (await $`du -k -s --apparent-size ${root}`.text()).split("\t")[0] ?? "";
  await mkdir(join(root, "DEBIAN"));
  const write = (name: string, text: string, mode = 0o644) => Bun.write(join(root, "DEBIAN", name), text, { mode });
  await write("control", await fill("control", { ARCHITECTURE: architecture ?? "", SIZE: size }));
  await write("md5sums", await $`md5sum -- ${files}`.cwd(root).text());
  for (const script of ["postinst", "prerm", "postrm"]) {
    await $`install -m 755 packaging/deb/${script} ${root}/DEBIAN`;
  }
}
