import { expect, test } from "bun:test";
import { isUnitName, pathEncode, proxyTarget } from "./names.ts";

test.each([
  ["pi", "pi"],
  ["node-1", "node_2d1"],
  ["1st", "_31st"],
  ["", "_"],
  ["a_b", "a_5fb"],
  [" b ", "_20b_20"],
  ["é", "_c3_a9"],
])("pathEncode %j", (text, label) => {
  expect(pathEncode(text)).toBe(label);
});

test.each([
  ["a.service", true],
  ["bluechi-dep@web@1.service", true],
  ["dev-disk-by\\x2duuid.device", true],
  ["a", false],
  [".service", false],
  ["a b.service", false],
  ["a.conf", false],
  ["a/b.service", false],
  [`${"a".repeat(250)}.service`, false],
])("isUnitName %j", (name, valid) => {
  expect(isUnitName(name)).toBe(valid);
});

test.each([
  ["pi_cdn.service", { node: "pi", unit: "cdn.service" }],
  ["pi_my_cdn.service", { node: "pi", unit: "my_cdn.service" }],
  ["pi.service", undefined],
  ["_cdn.service", undefined],
  ["pi_", undefined],
])("proxyTarget %j", (instance, target) => {
  expect(proxyTarget(instance)).toEqual(target);
});
