// The Bun that an executable for another kind of machine is made of.
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { $ } from "bun";

/** The npm packages of Bun by the names that Bun gives kinds of machines. */
const packages: Record<string, string> = {
  "bun-linux-arm64": "@oven/bun-linux-aarch64",
  "bun-linux-x64": "@oven/bun-linux-x64",
};

/** The folder of the package with the Bun for a kind of machine: npm's own, for this machine's. @throws Error */
export function runtimeFolder(target: string): string {
  const name = packages[target];
  if (name === undefined) throw new Error(`no Bun for ${target}: TARGET is one of ${Object.keys(packages).join(", ")}`);
  return join("node_modules", name);
}

/**
 * The path of a Bun for that kind of machine, of the version that runs this, as the executable carries code that was made
 * ready for it. npm installs none for other kinds; theirs is fetched here, and has to have the sum that package-lock.json
 * pins.
 * @throws Error
 */
export async function runtime(target: string): Promise<string> {
  const folder = runtimeFolder(target);
  const bun = join(folder, "bin/bun");
  if (!existsSync(bun)) await fetchPackage(folder);
  return bun;
}

async function fetchPackage(folder: string): Promise<void> {
  const { packages: locked } = (await Bun.file("package-lock.json").json()) as {
    packages: Record<string, { version: string; integrity: string } | undefined>;
  };
  const pinned = locked[folder];
  if (pinned === undefined) throw new Error(`package-lock.json has no ${folder}; see scripts/lock.ts`);
  if (pinned.version !== Bun.version)
    throw new Error(`building for another kind of machine takes Bun ${pinned.version}: add BUN=node_modules/.bin/bun`);
  const staging = await mkdtemp(join(tmpdir(), "bluechi-runtime-"));
  try {
    const wanted = `${folder.slice("node_modules/".length)}@${pinned.version}`;
    const packed = await $`npm pack --silent --pack-destination ${staging} ${wanted}`.text();
    const tarball = join(staging, packed.trim());
    const sum = new Bun.CryptoHasher("sha512").update(await Bun.file(tarball).bytes()).digest("base64");
    if (`sha512-${sum}` !== pinned.integrity) throw new Error(`${wanted} has not the sum that package-lock.json pins`);
    await mkdir(dirname(folder), { recursive: true });
    // Unpacked beside its place and moved there, so that builds at the same time find all of it or nothing.
    const fresh = await mkdtemp(`${folder}-`);
    await $`tar -xzf ${tarball} -C ${fresh} --no-same-owner`;
    await rm(folder, { recursive: true, force: true });
    await rename(join(fresh, "package"), folder);
    await rm(fresh, { recursive: true });
  } finally {
    await rm(staging, { recursive: true });
  }
}
