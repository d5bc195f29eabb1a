import { expect, test } from "bun:test";
import type { SeenJob } from "./eyes.ts";
import { dependencyProblems, jobProblems, pictureProblems, resultProblems } from "./judge.ts";
import { dependencyOf, proxyOf } from "./units.ts";

const target = "steady.service";
const [dependency, proxy] = [dependencyOf(target), proxyOf("pi", target)];
const states = (laptop: Record<string, string>, pi: Record<string, string>) =>
  new Map(Object.entries({ laptop: new Map(Object.entries(laptop)), pi: new Map(Object.entries(pi)) }));

test("a dependency unit is active exactly while there are users", () => {
  expect(dependencyProblems(states({}, {}))).toEqual([]);
  expect(dependencyProblems(states({ [proxy]: "active" }, { [dependency]: "active", [target]: "active" }))).toEqual([]);
  expect(dependencyProblems(states({ [proxy]: "active" }, { [dependency]: "failed" }))).toHaveLength(1);
  expect(dependencyProblems(states({}, { [dependency]: "active" }))).toHaveLength(1);
});

test("nothing is on its way for ever", () => {
  expect(dependencyProblems(states({}, { [target]: "activating" }))).toEqual([`pi: ${target} is activating`]);
  const stuck = dependencyProblems(states({ "bluechi-proxy@x.service": "deactivating" }, {}));
  expect(stuck).toEqual(["laptop: bluechi-proxy@x.service is deactivating"]);
});

test("a picture shows what is loaded, and no more", () => {
  const real = states({ [target]: "failed" }, {});
  expect(pictureProblems(new Map([[`laptop ${target}`, "failed"]]), real)).toEqual([]);
  expect(pictureProblems(new Map(), real)).toHaveLength(1);
  expect(pictureProblems(new Map([[`pi ${target}`, "inactive"]]), states({}, {}))).toHaveLength(1);
});

const job = (...results: string[]): SeenJob => ({
  node: "pi",
  unit: target,
  bornMs: 10_000,
  controller: ":1.1",
  connection: 1,
  ends: results.map((result) => ({ result, atMs: 10_100 })),
});

test("a job ends once, unless it went with its controller", () => {
  expect(jobProblems([job("done")], () => true)).toEqual([]);
  expect(jobProblems([job()], () => false)).toEqual([]);
  expect(jobProblems([job()], () => true)).toHaveLength(1);
  expect(jobProblems([job("done", "done")], () => false)).toHaveLength(1);
});

test("a result is systemd's, or was lost in trouble", () => {
  let seen = true;
  const ends = [{ unit: target, result: "done", atMs: 10_050 }];
  const said = new Map([["pi", { ends, sawAll: () => seen }]]);
  const at = (host: string, fromMs: number) => [{ host, fromMs, toMs: fromMs + 100 }];
  const problems = (result: string, trouble = at("pi", 1000)) => resultProblems([job(result)], said, trouble, "laptop");
  expect(problems("done")).toEqual([]);
  expect(problems("failed")).toHaveLength(1);
  for (const host of ["pi", "laptop"]) expect(problems("failed", at(host, 10_000))).toEqual([]);
  expect(problems("failed", at("nas", 10_000))).toHaveLength(1);
  expect(problems("canceled", at("pi", 10_000))).toHaveLength(1);
  seen = false;
  expect(problems("canceled")).toEqual([]);
});
