import { beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ErrorName } from "../../src/base/failure.ts";

const top = join(import.meta.dir, "../..");
const sources = readdirSync(join(top, "docs/man")).filter((file) => /\.\d$/.test(file));
const page = (name: string) => join(top, `dist/man/man${name.at(-1)}`, name);

beforeAll(() => {
  const make = Bun.spawnSync(["make", "-C", top, "dist/man"]);
  if (!make.success) throw new Error(`${make.stderr}`);
});

/** What a program that reads a page has to say of it. */
function remarks(...command: string[]): string {
  const { stdout, stderr } = Bun.spawnSync(command, { env: { ...process.env, LC_ALL: "C.UTF-8" } });
  return `${command.includes("lint") ? stdout : ""}${stderr}`;
}

for (const name of sources) {
  test(`mandoc and groff find nothing wrong with ${name}`, () => {
    expect(remarks("mandoc", "-T", "lint", "-W", "warning", page(name))).toBe("");
    expect(remarks("man", "--warnings", "--local-file", "--encoding=UTF-8", "-Tutf8", "-Z", page(name))).toBe("");
  });
}

test("a page that has a mistake is remarked on", () => {
  const wrong = join(top, "package.json");
  expect(remarks("mandoc", "-T", "lint", "-W", "warning", wrong)).not.toBe("");
});

test("pages refer to pages that there are", () => {
  const others =
    /^(bash|busctl|fish|pkttyagent|polkit|org\.freedesktop\.systemd1|sd_bus_path_encode|sshd|systemctl|systemd\.unit|systemd-logind\.service|zsh) \d$/;
  const missing = sources.flatMap((name) => {
    const names = [...readFileSync(page(name), "utf8").matchAll(/^\.Xr (\S+ \d)/gm)].map(
      ([, reference]) => reference ?? "",
    );
    return names.filter((reference) => !others.test(reference) && !sources.includes(reference.replace(" ", ".")));
  });
  expect(missing).toEqual([]);
});

test("the page of the API tells of every error that we answer with", async () => {
  const text = await Bun.file(page("org.eclipse.bluechi.5")).text();
  const own = Object.values(ErrorName).map((name) => name.split(".").at(-1) ?? "");
  // What only the bus, or the program's own end of the connection, has to say.
  const foreign = ["NameHasNoOwner", "Disconnected", "Timeout", "InvalidSignature"];
  expect(own.filter((name) => !foreign.includes(name) && !text.includes(name))).toEqual([]);
});
