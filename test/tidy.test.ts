// The rules of the house that neither the compiler nor the linter knows.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const top = join(import.meta.dir, "..");
const files = (folder: string) => [...new Bun.Glob(`${folder}/**/*.ts`).scanSync(top)].sort();
const read = (file: string) => readFileSync(join(top, file), "utf8");
const transpiler = new Bun.Transpiler({ loader: "ts" });

/** What a file imports, types too (which the transpiler's own scan leaves out). */
function imports(file: string): string[] {
  const text = read(file);
  const values = transpiler.scanImports(text).map(({ path }) => path);
  const types = [...text.matchAll(/^(?:import|export)\b[^"';]*?from "([^"]+)"/gm)].map((match) => match[1] ?? "");
  return [...new Set([...values, ...types])];
}

/** The room of a file in src and its rank: an import points to a lower rank or stays in its room. */
function room(file: string): { name: string; rank: number } {
  const [, first = "", second = ""] = file.split("/");
  if (first === "main.ts") return { name: "main.ts", rank: 5 };
  if (first === "roles") return { name: `roles/${second}`, rank: 4 };
  const rank = { base: 0, identity: 1, bus: 2, wire: 2, api: 3, systemd: 3 }[first];
  if (rank === undefined) throw new Error(`${file} lies in no room; see ARCHITECTURE.md`);
  return { name: first, rank };
}

test("an import points to a room of a lower rank, so that a part can be read without those that use it", () => {
  const wrong: string[] = [];
  for (const file of files("src")) {
    for (const path of imports(file).filter((target) => target.startsWith("."))) {
      const target = normalize(join(dirname(file), path));
      if (!target.startsWith("src/")) {
        wrong.push(`${file} imports ${target} from outside of src`);
        continue;
      }
      const [from, to] = [room(file), room(target)];
      if (from.name !== to.name && from.rank <= to.rank)
        wrong.push(`${file} (rank ${from.rank}) imports ${target} (${to.rank})`);
    }
  }
  expect(wrong).toEqual([]);
});

/** What is loaded when some files are, in the end: all files, and all packages and modules of the runtime. */
function reachable(...roots: string[]): string[] {
  const found = new Set(roots);
  for (const file of found) {
    if (!file.startsWith("src/")) continue;
    for (const { path } of transpiler.scanImports(read(file)))
      found.add(path.startsWith(".") ? normalize(join(dirname(file), path)) : path);
  }
  return [...found];
}

test("the tools load nothing that takes longer than what they do: of the runtime's modules most do", () => {
  const roots = ["ctl", "is-online", "proxy"].map((role) => `src/roles/${role}/main.ts`);
  const loaded = reachable("src/base/output.ts", "src/bus/stream.ts", ...roots);
  expect(loaded.filter((path) => !path.startsWith("src/")).sort()).toEqual([
    "bun:ffi",
    "citty",
    "consola/core",
    "node:path",
  ]);
  const users = [...loaded, "src/main.ts"].filter(
    (file) =>
      file.startsWith("src/") && /process\.std(out|err)\b/.test(read(file).replace(/^ *(\*|\/\*\*|\/\/).*$/gm, "")),
  );
  // On a terminal, where somebody looks at it.
  expect(users.sort()).toEqual(["src/roles/ctl/main.ts", "src/roles/ctl/watch.ts"]);
});

test("who issues no certificates does not load the library that writes them, which takes 20 MB", () => {
  const library = "@peculiar/x509";
  const loadedBy = (role: string) => reachable(`src/roles/${role}/main.ts`).includes(library);
  expect(["agent", "join", "ctl"].filter(loadedBy)).toEqual([]);
  expect(loadedBy("controller")).toBe(true);
});

test("imports of our own files are written with their ending, as both Bun and the compiler read them", () => {
  const all = ["src", "test", "scripts"].flatMap(files);
  const wrong = all.flatMap((file) =>
    imports(file)
      .filter((path) => path.startsWith(".") && !/\.(ts|json)$/.test(path))
      .map((path) => `${file}: ${path}`),
  );
  expect(wrong).toEqual([]);
});

test("files in src stay under 300 lines, so that each has one subject", () => {
  expect(files("src").filter((file) => read(file).split("\n").length > 301)).toEqual([]);
});

test("nothing is left for later, and nothing names the place where it was written", () => {
  // Each word with a count of one, so that this line does not find itself.
  const banned = /\b(TO{1}DO|FIX{1}ME|X{3}|HA{1}CK)\b|\/work\/(main|steering)|\.\.\/shared\b/;
  const folders = new Bun.Glob("{src,test,scripts,packaging,docs,.ci}/**");
  const all = [
    ...folders.scanSync({ cwd: top, dot: true }),
    "Makefile",
    "package.json",
    ...new Bun.Glob("*.md").scanSync(top),
  ];
  const wrong = all.flatMap((file) =>
    read(file)
      .split("\n")
      .flatMap((line, index) => (banned.test(line) ? [`${file}:${index + 1}: ${line}`] : [])),
  );
  expect(wrong).toEqual([]);
});
