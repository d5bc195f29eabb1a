import { expect, test } from "bun:test";
import { Failure } from "../../base/failure.ts";
import { FakeClock } from "../../base/fake-clock.ts";
import { Jobs, type JobsListener } from "./jobs.ts";

/** Jobs over a systemd whose answers the test gives. */
function setUp() {
  const told: string[] = [];
  const answers: PromiseWithResolvers<string>[] = [];
  const cancelled: string[] = [];
  const clock = new FakeClock();
  const systemd = {
    startJob() {
      const answer = Promise.withResolvers<string>();
      answers.push(answer);
      return answer.promise;
    },
    async cancelJob(path: string) {
      cancelled.push(path);
    },
  };
  const asker: JobsListener = {
    jobStateChanged: (id, state) => told.push(`${id} ${state}`),
    jobRemoved: (id, result) => told.push(`${id} removed ${result}`),
    jobMeasured: (unit, method, microseconds) => told.push(`${method} ${unit} ${microseconds}`),
  };
  const jobs = new Jobs(systemd, clock);
  return { jobs, asker, told, answers, cancelled, clock };
}

test("a job is told from its start to its end, and measured", async () => {
  const { jobs, asker, told, answers, clock } = setUp();
  const start = jobs.start(7, "start", "a.service", "replace", asker);
  answers[0]?.resolve("/job/1");
  await start;
  jobs.jobStateChanged("/job/1", "running");
  clock.advance(1.5);
  jobs.jobRemoved("/job/1", "done");
  jobs.jobRemoved("/job/1", "done");
  expect(told).toEqual(["7 running", "StartUnit a.service 1500", "7 removed done"]);
  expect(jobs.size).toBe(0);
});

test("a job that ends before systemd's answer is handled is not missed", async () => {
  const { jobs, asker, told, answers } = setUp();
  const start = jobs.start(7, "stop", "a.service", "replace", asker);
  answers[0]?.resolve("/job/1");
  jobs.jobRemoved("/job/1", "done");
  await start;
  expect(told).toEqual(["StopUnit a.service 0", "7 removed done"]);
  expect(jobs.size).toBe(0);
  await expect(jobs.cancel(7)).rejects.toThrow("No job with ID '7' found");
});

test("two that systemd merged into one job both hear its end", async () => {
  const { jobs, asker, told, answers } = setUp();
  const first = jobs.start(1, "start", "a.service", "replace", asker);
  const second = jobs.run("start", "a.service", "replace");
  for (const answer of answers) answer.resolve("/job/1");
  await first;
  jobs.jobRemoved("/job/1", "failed");
  expect(await second).toBe("failed");
  expect(told).toContain("1 removed failed");
});

test("a refusal is passed on and leaves nothing behind", async () => {
  const { jobs, asker, answers } = setUp();
  const start = jobs.start(1, "start", "a.service", "replace", asker);
  const run = jobs.run("start", "a.service", "replace");
  const both = Promise.allSettled([start, run]);
  const refusal = new Failure("x.NoSuchUnit", "Unit a.service not found.");
  for (const answer of answers) answer.reject(refusal);
  expect((await both).map((outcome) => outcome.status === "rejected" && outcome.reason)).toEqual([refusal, refusal]);
  expect(jobs.size).toBe(0);
});

test("cancel reaches the job in systemd", async () => {
  const { jobs, asker, answers, cancelled } = setUp();
  const start = jobs.start(1, "start", "a.service", "replace", asker);
  answers[0]?.resolve("/job/9");
  await start;
  await jobs.cancel(1);
  expect(cancelled).toEqual(["/job/9"]);
  await expect(jobs.cancel(2)).rejects.toThrow("No job with ID '2' found");
});

test("all jobs end when systemd is lost", async () => {
  const { jobs, asker, told, answers } = setUp();
  const start = jobs.start(1, "start", "a.service", "replace", asker);
  answers[0]?.resolve("/job/1");
  await start;
  jobs.lost();
  expect(told).toContain("1 removed failed");
  expect(jobs.size).toBe(0);
});

test("that a job runs is not missed either, by the first or by one that joins it", async () => {
  const { jobs, asker, told, answers } = setUp();
  const first = jobs.start(1, "start", "a.service", "replace", asker);
  answers[0]?.resolve("/job/1");
  jobs.jobStateChanged("/job/1", "running");
  await first;
  const second = jobs.start(2, "start", "a.service", "replace", asker);
  answers[1]?.resolve("/job/1");
  await second;
  expect(told).toEqual(["1 running", "2 running"]);
  const third = jobs.start(3, "start", "b.service", "replace", asker);
  answers[2]?.resolve("/job/2");
  jobs.jobStateChanged("/job/2", "running");
  jobs.jobRemoved("/job/2", "done");
  await third;
  expect(told.slice(2)).toEqual(["3 running", "StartUnit b.service 0", "3 removed done"]);
});

test("a job of a controller that is gone is not taken for the next one's of the same number", async () => {
  const { jobs, asker, told, answers, cancelled } = setUp();
  const old: string[] = [];
  const gone: JobsListener = { ...asker, jobRemoved: (id, result) => old.push(`${id} removed ${result}`) };
  const first = jobs.start(1, "start", "slow.service", "replace", gone);
  answers[0]?.resolve("/job/1");
  await first;
  jobs.clear();
  const second = jobs.start(1, "stop", "other.service", "replace", asker);
  answers[1]?.resolve("/job/2");
  await second;
  jobs.jobRemoved("/job/1", "failed");
  expect(told.filter((line) => line.includes("removed"))).toEqual([]);
  expect(old).toEqual(["1 removed failed"]);
  await jobs.cancel(1);
  expect(cancelled).toEqual(["/job/2"]);
});
