import { expect, test } from "bun:test";
import { Failure } from "../../base/failure.ts";
import { FakeClock } from "../../base/fake-clock.ts";
import { Demand } from "../../systemd/demand.ts";
import { Jobs, type JobsListener } from "./jobs.ts";

/** Jobs over a systemd whose answers the test gives. */
function setUp() {
  const told: string[] = [];
  const answers: PromiseWithResolvers<string>[] = [];
  const cancelled: string[] = [];
  const found: {
    path: string;
    answer: PromiseWithResolvers<{ unit: string; running: boolean } | undefined>;
  }[] = [];
  const clock = new FakeClock();
  const demand = new Demand(() => {});
  const systemd = {
    startJob() {
      const answer = Promise.withResolvers<string>();
      answers.push(answer);
      return answer.promise;
    },
    async cancelJob(path: string) {
      cancelled.push(path);
    },
    findJob(path: string) {
      const answer = Promise.withResolvers<{ unit: string; running: boolean } | undefined>();
      found.push({ path, answer });
      return answer.promise;
    },
  };
  const asker: JobsListener = {
    jobStateChanged: (id, state) => told.push(`${id} ${state}`),
    jobRemoved: (id, result) => told.push(`${id} removed ${result}`),
    jobMeasured: (unit, method, microseconds) => told.push(`${method} ${unit} ${microseconds}`),
  };
  const jobs = new Jobs(systemd, clock, 77n, demand.join());
  jobs.resume(1n, asker);
  return { jobs, demand, asker, told, answers, cancelled, found, clock };
}

test("a job is told from its start to its end, and measured", async () => {
  const { jobs, told, answers, clock } = setUp();
  const start = jobs.start(7, "start", "a.service", "replace");
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
  const { jobs, told, answers } = setUp();
  const start = jobs.start(7, "stop", "a.service", "replace");
  answers[0]?.resolve("/job/1");
  jobs.jobRemoved("/job/1", "done");
  await start;
  expect(told).toEqual(["StopUnit a.service 0", "7 removed done"]);
  expect(jobs.size).toBe(0);
  await expect(jobs.cancel(7)).rejects.toThrow("No job with ID '7' found");
});

test("two that systemd merged into one job both hear its end", async () => {
  const { jobs, told, answers } = setUp();
  const first = jobs.start(1, "start", "a.service", "replace");
  const second = jobs.run("start", "a.service", "replace");
  for (const answer of answers) answer.resolve("/job/1");
  await first;
  jobs.jobRemoved("/job/1", "failed");
  expect(await second).toBe("failed");
  expect(told).toContain("1 removed failed");
});

test("a refusal is passed on and leaves nothing behind", async () => {
  const { jobs, answers } = setUp();
  const start = jobs.start(1, "start", "a.service", "replace");
  const run = jobs.run("start", "a.service", "replace");
  const both = Promise.allSettled([start, run]);
  const refusal = new Failure("x.NoSuchUnit", "Unit a.service not found.");
  for (const answer of answers) answer.reject(refusal);
  expect((await both).map((outcome) => outcome.status === "rejected" && outcome.reason)).toEqual([refusal, refusal]);
  expect(jobs.size).toBe(0);
});

test("cancel reaches the job in systemd", async () => {
  const { jobs, answers, cancelled } = setUp();
  const start = jobs.start(1, "start", "a.service", "replace");
  answers[0]?.resolve("/job/9");
  await start;
  await jobs.cancel(1);
  expect(cancelled).toEqual(["/job/9"]);
  await expect(jobs.cancel(2)).rejects.toThrow("No job with ID '2' found");
});

test("what we wait for ourselves ends when systemd is lost; the controller's jobs are to be found again", async () => {
  const { jobs, told, answers, found } = setUp();
  const start = jobs.start(1, "start", "a.service", "replace");
  const run = jobs.run("start", "b.service", "replace");
  answers[0]?.resolve("/job/1");
  answers[1]?.resolve("/job/2");
  const ticket = await start;
  jobs.lost();
  expect(await run).toBe("failed");
  expect(jobs.size).toBe(0);
  const again = jobs.find(1, "start", "a.service", ticket);
  found[0]?.answer.resolve({ unit: "a.service", running: true });
  expect(await again).toBe(true);
  jobs.jobRemoved("/job/1", "done");
  expect(told.filter((line) => !line.startsWith("StartUnit"))).toEqual(["1 running", "1 removed done"]);
});

test("that a job runs is not missed either, by the first or by one that joins it", async () => {
  const { jobs, told, answers } = setUp();
  const first = jobs.start(1, "start", "a.service", "replace");
  answers[0]?.resolve("/job/1");
  jobs.jobStateChanged("/job/1", "running");
  await first;
  const second = jobs.start(2, "start", "a.service", "replace");
  answers[1]?.resolve("/job/1");
  await second;
  expect(told).toEqual(["1 running", "2 running"]);
  const third = jobs.start(3, "start", "b.service", "replace");
  answers[2]?.resolve("/job/2");
  jobs.jobStateChanged("/job/2", "running");
  jobs.jobRemoved("/job/2", "done");
  await third;
  expect(told.slice(2)).toEqual(["3 running", "StartUnit b.service 0", "3 removed done"]);
});

test("a job of a controller that is gone is not taken for the next one's of the same number", async () => {
  const { jobs, asker, told, answers, cancelled } = setUp();
  const first = jobs.start(1, "start", "slow.service", "replace");
  answers[0]?.resolve("/job/1");
  await first;
  jobs.offline();
  jobs.resume(2n, asker);
  const second = jobs.start(1, "stop", "other.service", "replace");
  answers[1]?.resolve("/job/2");
  await second;
  jobs.jobRemoved("/job/1", "failed");
  expect(told).toEqual([]);
  await jobs.cancel(1);
  expect(cancelled).toEqual(["/job/2"]);
  jobs.jobRemoved("/job/2", "done");
  expect(told.at(-1)).toBe("1 removed done");
});

test("a result is told again until the controller has confirmed it", async () => {
  const { jobs, asker, told, answers } = setUp();
  const ends = () => told.filter((line) => line.includes("removed"));
  for (const id of [1, 2, 3]) void jobs.start(id, "start", `${id}.service`, "replace");
  for (const [index, answer] of answers.entries()) answer.resolve(`/job/${index}`);
  await Promise.resolve();
  await Promise.resolve();
  jobs.jobRemoved("/job/0", "done");
  jobs.jobStateChanged("/job/2", "running");
  jobs.offline();
  jobs.jobRemoved("/job/1", "failed");
  expect(ends()).toEqual(["1 removed done"]);
  told.length = 0;
  jobs.resume(1n, asker);
  expect(told).toEqual(["1 removed done", "2 removed failed", "3 running"]);
  jobs.forget(1);
  jobs.forget(3);
  expect(jobs.unconfirmed).toBe(2);
  told.length = 0;
  jobs.resume(1n, asker);
  expect(told).toEqual(["2 removed failed", "3 running"]);
});

test("the stop of the agent itself is told as done while it can be told", async () => {
  const { jobs, told, answers } = setUp();
  void jobs.start(1, "stop", "bluechi-agent.service", "replace");
  void jobs.start(2, "restart", "other.service", "replace");
  for (const [index, answer] of answers.entries()) answer.resolve(`/job/${index}`);
  await new Promise(setImmediate);
  jobs.stoppedBy("/job/7");
  jobs.stoppedBy("/job/1");
  jobs.stoppedBy("/job/0");
  expect(told.filter((line) => line.includes("removed"))).toEqual(["1 removed done"]);
});

test("a job that nobody has told of is looked for in systemd", async () => {
  const { jobs, told, found } = setUp();
  const ticket = { job: "/job/4", startedMonotonicUs: 5n, boot: 77n };
  const look = (unit: string) => jobs.find(4, "start", unit, ticket);
  const gone = look("a.service");
  found[0]?.answer.resolve(undefined);
  expect(await gone).toBe(false);
  const other = look("a.service");
  found[1]?.answer.resolve({ unit: "another.service", running: true });
  expect(await other).toBe(false);
  expect(jobs.unconfirmed).toBe(0);
  expect(await jobs.find(4, "start", "a.service", { ...ticket, boot: 78n })).toBe(false);
  // It ends while the answer is on its way.
  const late = look("a.service");
  found[2]?.answer.resolve({ unit: "a.service", running: true });
  jobs.jobRemoved("/job/4", "done");
  expect(await late).toBe(true);
  expect(told.at(-1)).toBe("4 removed done");
  expect(await look("a.service")).toBe(true);
  expect(found.map(({ path }) => path)).toEqual(["/job/4", "/job/4", "/job/4"]);
});

test("systemd is needed until the last job has ended, or systemd is lost", async () => {
  const { jobs, demand, answers } = setUp();
  const starts = [7, 8, 9].map((id) => jobs.start(id, "start", `${id}.service`, "replace"));
  for (const [index, answer] of answers.entries()) answer.resolve(`/job/${index}`);
  jobs.jobRemoved("/job/0", "done");
  await Promise.all(starts);
  jobs.jobRemoved("/job/1", "done");
  expect(demand.any).toBe(true);
  jobs.jobRemoved("/job/2", "done");
  expect(demand.any).toBe(false);
  const another = jobs.start(10, "start", "10.service", "replace");
  answers[3]?.resolve("/job/3");
  await another;
  expect(demand.any).toBe(true);
  jobs.lost();
  expect(demand.any).toBe(false);
});
