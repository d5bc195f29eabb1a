import { expect, test } from "bun:test";
import { ErrorName, Failure } from "../../base/failure.ts";
import { FakeClock } from "../../base/fake-clock.ts";
import { Log } from "../../base/log.ts";
import type { Session } from "../../wire/session.ts";
import { Jobs } from "./jobs.ts";
import { LostJobs } from "./lost-jobs.ts";

type Answering = Pick<Session<"controller">, "call" | "closed">;

function setUp() {
  const results: string[] = [];
  const logged: string[] = [];
  const clock = new FakeClock();
  const log = new Log({ level: "DEBUG", target: "stderr", write: (line) => logged.push(line) });
  const jobs = new Jobs(clock, {
    jobNew: () => {},
    jobStateChanged: () => {},
    jobRemoved: (job, result) => results.push(`${job.id} ${result}`),
  });
  const lost = new LostJobs({ jobs, clock, log, timeoutMs: 1000 });
  for (let count = 0; count < 2; count++) {
    const job = jobs.create("pi", "start", "a.service");
    job.ticket = { job: `/${job.id}`, startedMonotonicUs: 1n, boot: 1n };
    jobs.handle(job, { type: "accepted" });
  }
  return { jobs, lost, clock, results, logged };
}

/** A session with an agent that answers to findJob like this. */
function agent(answer: () => unknown, closed = false): Answering {
  const call = async (name: string) => (name === "resumeJobs" ? {} : answer());
  return { call: call as unknown as Answering["call"], closed };
}

test("an agent that can say nothing of the jobs ends them", async () => {
  const { lost, results, logged } = setUp();
  const refuse = () => {
    throw new Failure(ErrorName.Disconnected, "systemd is not connected");
  };
  await lost.nodeOnline("pi", agent(refuse));
  expect(results).toEqual(["1 failed", "2 failed"]);
  expect(logged.join("")).toContain(
    "2 jobs of node 'pi' ended as failed, as their results are not known: systemd is not connected",
  );
});

test("a node that goes again while it is asked is asked once more when it is back", async () => {
  const { lost, results, clock } = setUp();
  lost.nodeOffline("pi");
  const gone = () => {
    throw new Failure(ErrorName.NoReply, "Connection terminated");
  };
  await lost.nodeOnline("pi", agent(gone, true));
  lost.nodeOffline("pi");
  clock.advance(999);
  expect(results).toEqual([]);
  await lost.nodeOnline(
    "pi",
    agent(() => ({ result: "done", why: "it was judged" })),
  );
  expect(results).toEqual(["1 done", "2 done"]);
  clock.advance(10_000);
  expect(results.length).toBe(2);
});

test("a result that is no word is not passed on", async () => {
  const { lost, results } = setUp();
  await lost.nodeOnline(
    "pi",
    agent(() => ({ result: "x".repeat(100_000), why: "" })),
  );
  expect(results).toEqual(["1 failed", "2 failed"]);
});
