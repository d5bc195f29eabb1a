import { expect, spyOn, test } from "bun:test";
import { ErrorName, Failure } from "../base/failure.ts";
import { FakeClock } from "../base/fake-clock.ts";
import { Log } from "../base/log.ts";
import type { Call, MethodCall } from "../bus/calls.ts";
import type { BusConnection } from "../bus/connection.ts";
import { encodeBody } from "../bus/marshal.ts";
import { ObjectTree } from "../bus/serve.ts";
import { decodeBody } from "../bus/unmarshal.ts";
import { definePublic } from "./access.ts";
import { Audit } from "./audit.ts";
import { type About, Gatekeeper } from "./gatekeeper.ts";

const table = definePublic({
  name: "a.B",
  methods: {
    Look: { in: {}, out: {}, access: "read", help: "" },
    Use: { in: {}, out: {}, access: "owner", help: "" },
    Rule: { in: {}, out: {}, access: "root", help: "" },
    Start: {
      in: { unit: "s" },
      out: { job: "o" },
      access: { action: "manage-units", verb: "start", unit: "unit", job: true },
      help: "",
    },
    Enable: {
      in: { files: "as" },
      out: {},
      access: { action: "manage-unit-files", verb: "enable", unit: "files" },
      help: "",
    },
    Cancel: { in: {}, out: {}, access: { action: "manage-units", verb: "cancel", owner: true }, help: "" },
  },
  signals: {},
  properties: {},
});

type Verdict = readonly [boolean, boolean] | Failure;
interface Asked {
  readonly action: string;
  readonly details: Readonly<Record<string, string>>;
  answer(verdict: Verdict): void;
}

const yes = [true, false] as const;
const no = [false, false] as const;
const challenge = [false, true] as const;

/** A bus on which `:1.N` is user N, and a polkit that answers as a test has it. */
function world() {
  const [asked, entries, done]: [Asked[], Record<string, string>[], string[]] = [[], [], []];
  let call: ((call: MethodCall) => void) | undefined;
  let credentials = 0;
  const connection = {
    onCall: (handler: typeof call) => {
      call = handler;
    },
    async call({ member, body }: Call) {
      const args = decodeBody(body ?? encodeBody("", []));
      if (member === "GetConnectionCredentials") {
        credentials++;
        const name = String(args[0]);
        if (name === ":1.404") throw new Failure(ErrorName.NameHasNoOwner, "nobody has that name");
        const UnixUserID = { signature: "u", value: Number(name.slice(3)) };
        return {
          body: encodeBody("a{sv}", [
            new Map([
              ["UnixUserID", UnixUserID],
              ["ProcessID", { signature: "u", value: 1 }],
            ]),
          ]),
        };
      }
      if (member === "GetUnitByPID") return { body: encodeBody("o", ["/org/freedesktop/systemd1/unit/a_2eservice"]) };
      const [, action, details, flags] = args as [unknown, string, Map<string, string>, number];
      const verdict = await new Promise<Verdict>((answer) => {
        asked.push({ action: `${action} ${flags}`, details: Object.fromEntries(details), answer });
      });
      if (verdict instanceof Failure) throw verdict;
      return { body: encodeBody("(bba{ss})", [[...verdict, new Map()]]) };
    },
  } as unknown as BusConnection;
  const log = new Log({ target: "journald", inJournal: true, journal: (fields) => entries.push(fields) > 0 });
  const job = { id: 5, onEnded: (_result: string) => {} };
  const gatekeeper = new Gatekeeper({ connection, audit: new Audit(log, new FakeClock()), job: () => job });
  const tree = new ObjectTree<About>(connection, (called) => gatekeeper.pass(called));
  const note = (name: string) => () => void done.push(name);
  const methods = {
    Look: note("Look"),
    Use: note("Use"),
    Rule: note("Rule"),
    Start: ({ unit }: { unit: string }) => {
      if (unit === "bad") throw new Failure("org.example.Bad", "it is bad\nvery bad");
      done.push(`Start ${unit}`);
      return { job: "/job/5" };
    },
    Enable: note("Enable"),
    Cancel: note("Cancel"),
  };
  tree.add("/n", table, methods, {}, { node: "pi", owner: ":1.3" });
  tree.add("/job", table, methods, {}, { node: "pi", unit: "x.service", jobId: 5 });
  const ask = (uid: number, member: string, signature = "", values: unknown[] = [], more: Partial<MethodCall> = {}) =>
    new Promise<string>((resolve) =>
      call?.({
        sender: `:1.${uid}`,
        path: "/n",
        interface: table.name,
        member,
        body: encodeBody(signature, values),
        noReply: false,
        interactive: false,
        reply: () => resolve("yes"),
        afterReply: () => {},
        error: ({ errorName, message }) => resolve(`${errorName.split(".").at(-1)}: ${message}`),
        ...more,
      }),
    );
  const start = (uid: number, unit: string, more: Partial<MethodCall> = {}) => ask(uid, "Start", "s", [unit], more);
  /** Lets all go on that can. */
  const settle = () => new Promise(setImmediate);
  return { ask, start, asked, entries, done, job, settle, credentials: () => credentials };
}

test("who may read is not asked who he is, and root is asked about once", async () => {
  const { ask, start, done, credentials, asked } = world();
  expect(await ask(1000, "Look")).toBe("yes");
  expect(credentials()).toBe(0);
  for (const unit of ["a", "b", "c"]) expect(await start(0, unit)).toBe("yes");
  expect(credentials()).toBe(1);
  expect(done).toEqual(["Look", "Start a", "Start b", "Start c"]);
  expect(asked).toEqual([]);
});

test("the user that we run as is trusted as root is", async () => {
  const { start, asked } = world();
  const user = spyOn(process as { getuid(): number }, "getuid").mockReturnValue(77);
  expect(await start(77, "a")).toBe("yes");
  user.mockRestore();
  expect(asked).toEqual([]);
});

test("polkit is told what, where and which, and decides", async () => {
  const { start, ask, asked, done, settle } = world();
  const first = start(7, "web.service");
  const second = ask(8, "Enable", "as", [["a.service", "b.service"]]);
  await settle();
  expect(asked.map(({ action, details }): object => ({ action, ...details }))).toEqual([
    {
      action: "org.eclipse.bluechi.manage-units 0",
      node: "pi",
      unit: "web.service",
      verb: "start",
      "polkit.message": "Authentication is required to start 'web.service' on node 'pi'.",
    },
    {
      action: "org.eclipse.bluechi.manage-unit-files 0",
      node: "pi",
      unit: "a.service b.service",
      verb: "enable",
      "polkit.message": "Authentication is required to enable 'a.service b.service' on node 'pi'.",
    },
  ]);
  asked[0]?.answer(yes);
  asked[1]?.answer(no);
  expect(await first).toBe("yes");
  expect(await second).toBe(
    "AccessDenied: Access denied: polkit does not allow uid 8 to enable 'a.service b.service' on node 'pi' (org.eclipse.bluechi.manage-unit-files)",
  );
  expect(done).toEqual(["Start web.service"]);
});

test("a password is asked for only when the caller has time for it", async () => {
  const { start, asked, settle } = world();
  const hasty = start(7, "a");
  const patient = start(8, "a", { interactive: true });
  await settle();
  expect(asked.map(({ action }) => action.at(-1))).toEqual(["0", "1"]);
  for (const { answer } of asked) answer(challenge);
  expect(await hasty).toBe(
    "InteractiveAuthorizationRequired: Interactive authentication is required to start 'a' on node 'pi' (org.eclipse.bluechi.manage-units), which the call does not allow",
  );
  expect(await patient).toStartWith("AccessDenied: Access denied: nobody could be asked for a password to start 'a'");
});

test("without polkit only root may", async () => {
  const { start, asked, settle, done } = world();
  const refused = start(7, "a");
  await settle();
  asked[0]?.answer(new Failure(ErrorName.ServiceUnknown, "no such name"));
  expect(await refused).toBe(
    "AccessDenied: Access denied: only root may start 'a' on node 'pi', as polkit cannot be asked: no such name",
  );
  expect(done).toEqual([]);
});

test("what is too long for rules is not asked", async () => {
  const { start, asked } = world();
  expect(await start(7, "x".repeat(4097))).toMatch(/^AccessDenied: .* too long for polkit's rules$/);
  expect(asked).toEqual([]);
});

test("what somebody has made is his, and root's", async () => {
  const { ask, start, asked, job, done, settle } = world();
  expect(await ask(3, "Use")).toBe("yes");
  expect(await ask(0, "Use")).toBe("yes");
  expect(await ask(4, "Use")).toBe("AccessDenied: Access denied: only root may use what somebody else has made");
  expect(await ask(4, "Rule")).toBe("AccessDenied: Access denied: only root may do this");
  const made = start(4, "a");
  await settle();
  asked.pop()?.answer(yes);
  await made;
  expect(await ask(4, "Cancel", "", [], { path: "/job" })).toBe("yes");
  const other = ask(5, "Cancel", "", [], { path: "/job" });
  await settle();
  asked.pop()?.answer(no);
  expect(await other).toStartWith(
    "AccessDenied: Access denied: polkit does not allow uid 5 to cancel 'x.service' on node 'pi'",
  );
  job.onEnded("done");
  const late = ask(4, "Cancel", "", [], { path: "/job" });
  await settle();
  expect(asked).toHaveLength(1);
  asked[0]?.answer(no);
  await late;
  expect(done).toEqual(["Use", "Use", "Start a", "Cancel"]);
});

test("a caller's calls are begun in their order while polkit is asked, others' are not held up, and a ping never is", async () => {
  const { ask, start, asked, done, settle } = world();
  const calls = [start(7, "a"), ask(7, "Look"), start(7, "b"), ask(7, "Look"), ask(8, "Look")];
  expect(await ask(7, "Ping", "", [], { interface: "org.freedesktop.DBus.Peer" })).toBe("yes");
  await settle();
  expect(done).toEqual(["Look"]);
  expect(asked).toHaveLength(1);
  asked[0]?.answer(no);
  await settle();
  expect(done).toEqual(["Look", "Look"]);
  expect(asked).toHaveLength(2);
  asked[1]?.answer(yes);
  await Promise.all(calls);
  expect(done).toEqual(["Look", "Look", "Start b", "Look"]);
});

test("who has left before the bus could tell who it was may nothing", async () => {
  const { start, entries, done, settle } = world();
  expect(await start(404, "a")).toMatch(/^AccessDenied: Access denied to who is not known/);
  await settle();
  expect(done).toEqual([]);
  expect(entries).toMatchObject([{ BLUECHI_RESULT: "denied", BLUECHI_VERB: "start" }]);
  expect(entries[0]?.BLUECHI_CALLER_UID).toBeUndefined();
});

test("each call that changes something has one entry, once its result is known", async () => {
  const { ask, start, asked, entries, job, settle } = world();
  await ask(0, "Look");
  await ask(0, "Use");
  await start(0, "web.service");
  expect(entries).toEqual([]);
  job.onEnded("failed");
  await start(0, "bad");
  await ask(0, "Enable", "as", [["a\nb.service", "c.service"]]);
  const denied = start(7, "a");
  await settle();
  asked[0]?.answer(no);
  await denied;
  await settle();
  expect(entries.map(({ MESSAGE }) => MESSAGE?.replace("pid 1, ", ""))).toEqual([
    "uid 0 (a.service): start 'web.service' on node 'pi' (job 5): failed",
    "uid 0 (a.service): start 'bad' on node 'pi': it is bad?very bad",
    "uid 0 (a.service): enable 'a?b.service c.service' on node 'pi': done",
    "uid 7 (a.service): start 'a' on node 'pi': denied: Access denied: polkit does not allow uid 7 to start 'a' on node 'pi' (org.eclipse.bluechi.manage-units)",
  ]);
  expect(entries.map(({ BLUECHI_METHOD: method, BLUECHI_RESULT: result }) => [method, result])).toEqual([
    ["a.B.Start", "failed"],
    ["a.B.Start", "error"],
    ["a.B.Enable", "done"],
    ["a.B.Start", "denied"],
  ]);
});
