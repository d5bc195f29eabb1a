import { expect, test } from "bun:test";
import { describeSubject, formatSubject, parseSubject, type Subject } from "./subject.ts";

const good: [Subject, string, string][] = [
  [{ cluster: "home", role: "controller" }, "bluechi://home/controller", "the controller of 'home'"],
  [{ cluster: "car-7", role: "node", node: "pi" }, "bluechi://car-7/node/pi", "node 'pi'"],
  [{ cluster: "home", role: "node", node: "a/b+c" }, "bluechi://home/node/a%2Fb%2Bc", "node 'a/b+c'"],
  [{ cluster: "home", role: "node", node: "kühl" }, "bluechi://home/node/k%C3%BChl", "node 'kühl'"],
  [
    { cluster: "home", role: "node", node: "x".repeat(255) },
    `bluechi://home/node/${"x".repeat(255)}`,
    `node '${"x".repeat(255)}'`,
  ],
];

test.each(good)("%j is written and read", (subject, uri, words) => {
  expect(formatSubject(subject)).toBe(uri);
  expect(parseSubject(uri)).toEqual(subject);
  expect(describeSubject(subject)).toBe(words);
});

test.each([
  "",
  "bluechi://home",
  "bluechi://home/",
  "bluechi://home/node",
  "bluechi://home/node/",
  "bluechi://home/node/a/b",
  "bluechi://home/node/a b",
  "bluechi://home/node/%61",
  "bluechi://home/node/%2f",
  "bluechi://home/node/%zz",
  "bluechi://home/node/pi, URI:bluechi://home/controller",
  "bluechi://home/controller/",
  "bluechi://Home/controller",
  "bluechi:///controller",
  `bluechi://${"a".repeat(64)}/controller`,
  `bluechi://home/node/${"x".repeat(256)}`,
  "https://home/controller",
])("'%s' is nobody's name", (uri) => {
  expect(parseSubject(uri)).toBeUndefined();
});

test("what no certificate can name is refused", () => {
  expect(() => formatSubject({ cluster: "Home", role: "controller" })).toThrow("'Home' is no name for a cluster");
  for (const node of ["", "\ud800", "a b", "a,b", "a\nb", "\u202ea", "*"]) {
    expect(() => formatSubject({ cluster: "home", role: "node", node })).toThrow(
      "is no name for a node: 1 to 255 bytes",
    );
  }
});
