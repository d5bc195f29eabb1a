// Makes the source tarball of the current commit: bun scripts/dist.ts OUTFILE. With VENDOR=1 in the environment it also
// carries the packages and the Bun that a build needs, for a builder without a network.
import { existsSync } from "node:fs";
import { chmod, copyFile, cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { $ } from "bun";
import { release, version } from "./version.ts";

const [outfile] = process.argv.slice(2);
if (outfile === undefined) throw new Error("usage: dist.ts OUTFILE");
const name = `bluechi-${version}`;
const staging = await mkdtemp(join(tmpdir(), "bluechi-dist-"));
try {
  const tree = join(staging, name);
  await mkdir(tree);
  await $`git archive HEAD | tar -x -C ${tree}`;
  await fillInSpec(tree);
  if (process.env.VENDOR) await vendor(tree);
  await mkdir(dirname(outfile), { recursive: true });
  await $`tar -c --owner=root:0 --group=root:0 -C ${staging} ${name} | gzip -1 >${resolve(outfile)}`;
} finally {
  await rm(staging, { recursive: true });
}

/** `rpmbuild -tb` takes a tarball with a spec in it, and outside of git nothing else knows version and release. */
async function fillInSpec(tree: string): Promise<void> {
  const spec = Bun.file(join(tree, "packaging/rpm/bluechi.spec"));
  await spec.write((await spec.text()).replaceAll("@VERSION@", version).replaceAll("@RELEASE@", release()));
}

/**
 * Copies what the executable is made of, the parser of scripts/places.ts with the native part that npm has chosen for this
 * machine, and the Bun that runs this script in the place where npm would put it.
 */
async function vendor(tree: string): Promise<void> {
  const lock = (await Bun.file("package-lock.json").json()) as {
    packages: Record<string, { dev?: boolean; optional?: boolean }>;
  };
  for (const [path, entry] of Object.entries(lock.packages)) {
    const part = path !== "" && entry.dev !== true && entry.optional !== true;
    const parser = /^node_modules\/@?oxc-parser\b/.test(path) && existsSync(path);
    if (part || parser) await cp(path, join(tree, path), { recursive: true });
  }
  const bun = join(tree, "node_modules/bun/bin/bun.exe");
  await mkdir(dirname(bun), { recursive: true });
  await copyFile(process.execPath, bun);
  await chmod(bun, 0o755);
  await mkdir(join(tree, "node_modules/.bin"));
  await symlink("../bun/bin/bun.exe", join(tree, "node_modules/.bin/bun"));
  await Bun.write(join(tree, "node_modules/.package-lock.json"), "{}\n");
}
