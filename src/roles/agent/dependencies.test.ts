import { expect, test } from "bun:test";
import { ErrorName, Failure } from "../../base/failure.ts";
import { Log } from "../../base/log.ts";
import { Dependencies } from "./dependencies.ts";

function setUp(active: string[] = []) {
  const asked: string[] = [];
  let starting: () => Promise<string> = async () => "done";
  const systemd = {
    async startJob(type: string, unit: string, mode: string) {
      asked.push(mode === "replace" ? `${type} ${unit}` : `${type} ${unit} ${mode}`);
      return "/job/1";
    },
    listUnits: async () => active.map((unit) => ({ unit, activeState: "active", subState: "exited" })),
  };
  const jobs = {
    run(type: string, unit: string) {
      asked.push(`${type} ${unit}`);
      return starting();
    },
  };
  const dependencies = new Dependencies(systemd, jobs, new Log({ quiet: true }));
  const fail = (failure: Failure) => {
    starting = () => Promise.reject(failure);
  };
  return { dependencies, asked, fail };
}

test("starts and stops the unit that is bound to what others need", async () => {
  const { dependencies, asked } = setUp();
  expect(await dependencies.start("cdn.service")).toBe("done");
  await dependencies.stop("cdn.service");
  expect(asked).toEqual(["start bluechi-dep@cdn.service", "stop bluechi-dep@cdn.service"]);
});

test("a systemd that is lost is not taken for a lost link", async () => {
  const { dependencies, fail } = setUp();
  fail(new Failure("x.NoSuchUnit", "Unit cdn.service not found."));
  await expect(dependencies.start("cdn.service")).rejects.toMatchObject({ errorName: "x.NoSuchUnit" });
  fail(new Failure(ErrorName.NoReply, "lost"));
  await expect(dependencies.start("cdn.service")).rejects.toMatchObject({ errorName: ErrorName.Failed });
});

test("stops what nobody needs any more, and nothing that somebody has come to need meanwhile", async () => {
  const { dependencies, asked } = setUp(["bluechi-dep@a.service", "bluechi-dep@b.service", "bluechi-dep@c.service"]);
  const kept = dependencies.keep(["a.service"]);
  await dependencies.start("b.service");
  await kept;
  expect(asked).toEqual(["start bluechi-dep@b.service", "stop bluechi-dep@c.service"]);
});

test("starts the unit again that was stopped along with a unit whose stop was given up", async () => {
  const { dependencies, asked } = setUp();
  const canceled = () => dependencies.jobRemoved("cdn.service", "canceled");
  await canceled();
  expect(asked).toEqual([]);
  await dependencies.start("cdn.service");
  asked.length = 0;
  await dependencies.jobRemoved("cdn.service", "done");
  await dependencies.jobRemoved("web.service", "canceled");
  expect(asked).toEqual([]);
  await canceled();
  expect(asked).toEqual(["start bluechi-dep@cdn.service ignore-requirements"]);
  await dependencies.stop("cdn.service");
  asked.length = 0;
  await canceled();
  expect(asked).toEqual([]);
});
