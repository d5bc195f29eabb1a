// Makes the source tarball of the current commit: bun scripts/dist.ts OUTFILE. With VENDOR=1 in the environment it also
// carries the packages and the Bun that a build needs, for a builder without a network and of this kind of machine; with
// TARGET= the Bun of that kind of machine, too.
import { existsSync } from "node:fs";
import { chmod, copyFile, cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { $ } from "bun";
import { runtime, runtimeFolder } from "./runtime.ts";
import { maintainer, origin, originFile, version } from "./version.ts";

const [outfile] = process.argv.slice(2);
if (outfile === undefined) throw new Error("usage: dist.ts OUTFILE");
const name = `bluechi-${version}`;
const known = origin();
const staging = await mkdtemp(join(tmpdir(), "bluechi-dist-"));
try {
  const tree = join(staging, name);
  await mkdir(tree);
  await $`git archive HEAD | tar -x -C ${tree}`;
  await fillIn(tree);
  if (process.env.VENDOR) await vendor(tree);
  await mkdir(dirname(outfile), { recursive: true });
  const dates = ["--sort=name", `--mtime=@${known.date}`, "--owner=root:0", "--group=root:0"];
  await $`tar -c ${dates} -C ${staging} ${name} | gzip -1n >${resolve(outfile)}`;
} finally {
  await rm(staging, { recursive: true });
}

/** Writes down what only git knows, for builds of the tarball; `rpmbuild -tb` takes one that has a complete spec in it. */
async function fillIn(tree: string): Promise<void> {
  await Bun.write(join(tree, originFile), `${JSON.stringify(known)}\n`);
  // As changelogs have it: Sun Nov 22 2026.
  const [weekday = "", day, month, year] = new Date(known.date * 1000).toUTCString().split(" ");
  const values = {
    VERSION: version,
    RELEASE: known.release,
    MAINTAINER: maintainer,
    DAY: `${weekday.slice(0, 3)} ${month} ${day} ${year}`,
  };
  const spec = Bun.file(join(tree, "packaging/rpm/bluechi.spec"));
  let text = await spec.text();
  for (const [key, value] of Object.entries(values)) text = text.replaceAll(`@${key}@`, value);
  await spec.write(text);
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
  const target = process.env.TARGET;
  if (!target) return;
  await runtime(target);
  await cp(runtimeFolder(target), join(tree, runtimeFolder(target)), { recursive: true });
}
