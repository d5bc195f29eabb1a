import { expect, test } from "bun:test";
import { ErrorName, Failure } from "../base/failure.ts";
import { FakeClock } from "../base/fake-clock.ts";
import { Log } from "../base/log.ts";
import { finishChores } from "../base/turn.ts";
import { Audit, auditMessageId, type Deed } from "./audit.ts";

function world() {
  const clock = new FakeClock();
  const entries: Record<string, string>[] = [];
  const journal = (fields: Readonly<Record<string, string>>) => entries.push(fields) > 0;
  const log = new Log({ target: "journald", inJournal: true, level: "ERROR", identifier: "x", journal });
  const written = () => {
    finishChores();
    return entries;
  };
  return { audit: new Audit(log, clock), clock, entries, written };
}

const start: Deed = {
  who: { uid: 1000, pid: 4321, unit: "session-2.scope", settled: undefined },
  method: "org.eclipse.bluechi.Node.StartUnit",
  action: "org.eclipse.bluechi.manage-units",
  verb: "start",
  node: "pi",
  unit: "web.service",
};
const refused = new Failure(ErrorName.AccessDenied, "no");

test("an entry has all that is known, at whatever level the log is", () => {
  const { audit, written } = world();
  audit.ended({ ...start, jobId: 12 }, "timeout");
  audit.failed({ ...start, who: undefined, node: undefined, unit: undefined, verb: "x" }, refused);
  const common = { MESSAGE_ID: auditMessageId, PRIORITY: "5", SYSLOG_IDENTIFIER: "x" };
  const what = { BLUECHI_METHOD: start.method, BLUECHI_ACTION: start.action };
  expect(written()).toEqual([
    {
      ...common,
      ...what,
      MESSAGE: "uid 1000 (pid 4321, session-2.scope): start 'web.service' on node 'pi' (job 12): timeout",
      BLUECHI_CALLER_UID: "1000",
      BLUECHI_CALLER_PID: "4321",
      BLUECHI_CALLER_UNIT: "session-2.scope",
      BLUECHI_VERB: "start",
      BLUECHI_NODE: "pi",
      BLUECHI_UNIT: "web.service",
      BLUECHI_JOB_ID: "12",
      BLUECHI_RESULT: "timeout",
    },
    {
      ...common,
      ...what,
      MESSAGE: "a caller that has left: x: no",
      BLUECHI_VERB: "x",
      BLUECHI_RESULT: "error",
      BLUECHI_ERROR: ErrorName.AccessDenied,
    },
  ]);
});

test("what callers write is cut, and stays on its line", () => {
  const { audit, written } = world();
  audit.ended({ ...start, unit: `a\nuid 0\u2028${"x".repeat(300)}` }, "done");
  const cut = `a?uid 0?${"x".repeat(248)}...`;
  expect(written()[0]?.BLUECHI_UNIT).toBe(cut);
  expect(written()[0]?.MESSAGE).toBe(`uid 1000 (pid 4321, session-2.scope): start '${cut}' on node 'pi': done`);
});

test("denials beyond a hundred of one user in ten seconds are counted, and the count is said; others' are not concerned", () => {
  const { audit, written, clock } = world();
  for (let call = 0; call < 130; call++) audit.denied(start, refused);
  audit.denied({ ...start, who: { uid: 5, pid: 0, unit: "", settled: undefined } }, refused);
  expect(written().at(-1)?.MESSAGE).toBe("uid 5 (pid unknown): start 'web.service' on node 'pi': denied: no");
  expect(written().at(-1)).not.toHaveProperty("BLUECHI_CALLER_PID");
  expect(written()).toHaveLength(101);
  clock.advance(10_000);
  expect(written()).toHaveLength(102);
  expect(written()[101]).toMatchObject({
    MESSAGE: "uid 1000: 30 more calls denied",
    MESSAGE_ID: auditMessageId,
    BLUECHI_CALLER_UID: "1000",
    BLUECHI_RESULT: "denied",
    BLUECHI_MORE: "30",
  });
  audit.denied(start, refused);
  expect(written()).toHaveLength(103);
  audit.flush();
  expect(written()).toHaveLength(103);
  expect(clock.pending).toBe(0);
});

test("what is allowed always has its entry", () => {
  const { audit, written } = world();
  for (let call = 0; call < 300; call++) audit.ended(start, "done");
  expect(written()).toHaveLength(300);
});

test("nobody waits for what is written about them", async () => {
  const { audit, entries } = world();
  audit.ended(start, "done");
  await undefined;
  expect(entries).toEqual([]);
  await new Promise(setImmediate);
  expect(entries).toHaveLength(1);
});
