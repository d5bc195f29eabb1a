// Makes all that is released of the current commit: bun scripts/release.ts FOLDER. The packages for both kinds of machine
// and the source tarball, a bill of materials, and the checksums of all of them.
import { mkdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { $ } from "bun";
import { type Lock, sbom } from "./sbom.ts";
import { origin, version } from "./version.ts";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: release.ts FOLDER");
const changed = (await $`git status --porcelain`.text()).trim();
if (changed !== "") throw new Error(`a release is made of a commit, and this tree has changes:\n${changed}`);

await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
for (const target of ["bun-linux-x64", "bun-linux-arm64"]) {
  // Smaller by a fifth than what is quick to make, for those who download it.
  await $`make --silent rpm TARGET=${target} PAYLOAD=w19.zstdio`;
  await $`make --silent deb TARGET=${target} COMPRESSION=-Zxz`;
}
await $`make --silent dist`;
for (const glob of ["rpm/*/*.rpm", "deb/*.deb", `bluechi-${version}.tar.gz`]) {
  const found = [...new Bun.Glob(`dist/${glob}`).scanSync(".")];
  if (found.length === 0) throw new Error(`nothing was made that is called dist/${glob}`);
  await $`cp ${found} ${folder}`;
}
const lock = (await Bun.file("package-lock.json").json()) as Lock;
await Bun.write(join(folder, `bluechi-${version}.spdx.json`), `${JSON.stringify(sbom(lock, origin()), null, 2)}\n`);

const names = [...new Bun.Glob("*").scanSync(folder)].map((path) => basename(path)).sort();
await Bun.write(join(folder, "SHA256SUMS"), await $`sha256sum -- ${names}`.cwd(folder).text());
console.log((await $`ls -l ${folder}`.text()).trim());
