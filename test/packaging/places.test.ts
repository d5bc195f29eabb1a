// The places that log calls have in the executable.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { addPlaces } from "../../scripts/places.ts";

/** Sources and what becomes of them. */
const sources: Record<string, readonly [source: string, result: string]> = {
  "a function": ['function f() { log.info("a"); }', 'function f() { log.info("a", "f.ts:1 f"); }'],
  "an async generator": ["async function* f() { log.debug(x); }", 'async function* f() { log.debug(x, "f.ts:1 f"); }'],
  "a function in a function": [
    "function f() { function g() { log.warn(a); } log.error(b); }",
    'function f() { function g() { log.warn(a, "f.ts:1 g"); } log.error(b, "f.ts:1 f"); }',
  ],
  "a function that nobody named": [
    "function f() { x.then(() => log.info(a), function () { log.warn(b); }); }",
    'function f() { x.then(() => log.info(a, "f.ts:1 f"), function () { log.warn(b, "f.ts:1 f"); }); }',
  ],
  "a function that a variable holds": [
    "const f = () => log.info(a), g = function () { log.info(b); };",
    'const f = () => log.info(a, "f.ts:1 f"), g = function () { log.info(b, "f.ts:1 g"); };',
  ],
  "members of an object": [
    "const o = { f: () => log.info(a), g() { log.info(b); } };",
    'const o = { f: () => log.info(a, "f.ts:1 f"), g() { log.info(b, "f.ts:1 g"); } };',
  ],
  "an audit": ["function f() { log.audit(a, { b }); }", 'function f() { log.audit(a, { b }, "f.ts:1 f"); }'],
  "no function at all": ["log.info(a);", 'log.info(a, "f.ts:1 <module>");'],
  "a call in a call": [
    "function f() { log.info(g(log.warn(a)) + b); }",
    'function f() { log.info(g(log.warn(a, "f.ts:1 f")) + b, "f.ts:1 f"); }',
  ],
  "a call of several lines, whose line is that of the level": [
    "function f<T>(x: T) {\n  log.info(\n    a,\n  );\n  this\n    .log\n    .warn(b);\n}",
    'function f<T>(x: T) {\n  log.info(\n    a, "f.ts:2 f",\n  );\n  this\n    .log\n    .warn(b, "f.ts:7 f");\n}',
  ],
};

/** Sources with one call, `info(a)`, and the function that it stands in. */
const functions: Record<string, readonly [source: string, name: string]> = {
  "a constructor": ["class C { constructor() { log.info(a); } }", "C.constructor"],
  "a method": ["class C { async m() { log.info(a); } }", "C.m"],
  "a private method": ["class C { #m() { log.info(a); } }", "C.#m"],
  "a static method": ["class C { static m() { log.info(a); } }", "C.m"],
  "an accessor": ["class C { get m() { log.info(a); } }", "C.m"],
  "a method with a computed name": ["class C { [Symbol.dispose]() { log.info(a); } }", "C.[Symbol.dispose]"],
  "a function that a field holds": ["class C { #m = (): void => log.info(a); }", "C.#m"],
  "a function in a method": ["class C { m() { x.on(() => log.info(a)); } }", "C.m"],
  "a method of a class that a variable holds": ["const C = class { m() { log.info(a); } };", "C.m"],
  "a method of a class without a name": ["f(class { m() { log.info(a); } });", "m"],
  "a log in a private field": ["function f() { this.#log.info(a); }", "f"],
  "a log in a field": ["function f() { this.parts.log.info(a); }", "f"],
  "a log that may be missing": ["function f() { log?.info(a); }", "f"],
  "a log that may be missing in a field": ["function f() { this.#parts.log?.info(a); }", "f"],
};

for (const [what, [source, name]] of Object.entries(functions)) {
  sources[what] = [source, source.replace("info(a)", `info(a, "f.ts:1 ${name}")`)];
}

for (const [what, [source, result]] of Object.entries(sources)) {
  test(`the place of ${what}`, () => expect(addPlaces("f.ts", source)).toBe(result));
}

test("what is no log call stays as it is", () => {
  for (const source of [
    "call.error(a)",
    "log.level = a",
    "log[level](a)",
    "log(a)",
    "x.log(a)",
    '"log.info(a)"',
    "// log.info(a)",
  ])
    expect(addPlaces("f.ts", source)).toBe(source);
});

test("a source that does not parse is refused by name", () => {
  expect(() => addPlaces("f.ts", "function (")).toThrow(/^f\.ts: /);
});

test("every log in our sources is called log, so that its calls are found", async () => {
  const top = join(import.meta.dir, "../..");
  const names = new Set<string>();
  for await (const file of new Bun.Glob("src/**/*.ts").scan(top)) {
    const text = await Bun.file(join(top, file)).text();
    for (const [, name = ""] of text.matchAll(/([\w#]+)(?:\??: Log\b(?!\[)| = new Log\()/g)) names.add(name);
  }
  expect([...names].sort()).toEqual(["#log", "log"]);
});
