import { expect, test } from "bun:test";
import { descriptorLimit } from "./descriptors.ts";

test("the limit is the soft one that /proc tells", () => {
  const line = "Max open files            4096                 524288               files     \n";
  expect(descriptorLimit(`Limit  Soft Limit  Hard Limit  Units\n${line}`)).toBe(4096);
  expect(descriptorLimit(line.replace("4096", "unlimited"))).toBe(Number.POSITIVE_INFINITY);
  expect(descriptorLimit("")).toBe(1024);
});

test("the runtime raises the soft limit to the hard one", () => {
  const script = `console.log((await import(${JSON.stringify(`${import.meta.dir}/descriptors.ts`)})).descriptorLimit())`;
  const { stdout } = Bun.spawnSync([
    "sh",
    "-c",
    'ulimit -Sn 100; ulimit -Hn 900; exec "$0" -e "$1"',
    process.execPath,
    script,
  ]);
  expect(stdout.toString()).toBe("900\n");
});
