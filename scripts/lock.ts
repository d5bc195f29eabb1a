// Renews package-lock.json. npm writes down where each package came from and who would like a donation; both name hosts,
// and the lock has to serve machines that reach the registry under another name. What is installed is pinned by the
// versions and integrity sums that stay. A program for another kind of machine that this registry does not have is left
// out of the lock by npm, yet still asked for by the entry of its package: `npm ci` stumbles over that, so it goes too.
// Which Node.js a package wants does not matter, as Bun runs them; npm would leave out the native parts of some.
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Entry {
  resolved?: string;
  funding?: unknown;
  engines?: unknown;
  optionalDependencies?: Record<string, string>;
}

// A folder without node_modules: npm otherwise forgets the packages that other kinds of machine need.
const folder = await mkdtemp(join(tmpdir(), "bluechi-lock-"));
try {
  for (const name of ["package.json", "package-lock.json"]) await copyFile(name, join(folder, name));
  const npm = ["npm", "install", "--package-lock-only", "--ignore-scripts"];
  const install = Bun.spawnSync(npm, { cwd: folder, stdio: ["ignore", "inherit", "inherit"] });
  if (!install.success) process.exit(1);
  const lock = (await Bun.file(join(folder, "package-lock.json")).json()) as { packages: Record<string, Entry> };
  for (const entry of Object.values(lock.packages)) {
    delete entry.resolved;
    delete entry.funding;
    delete entry.engines;
    const optional = entry.optionalDependencies ?? {};
    for (const name of Object.keys(optional)) if (!(`node_modules/${name}` in lock.packages)) delete optional[name];
  }
  await Bun.write("package-lock.json", `${JSON.stringify(lock, null, 2)}\n`);
} finally {
  await rm(folder, { recursive: true });
}
