// What every Systemd does, the fake one and the real one alike.
import { describe, expect, test } from "bun:test";
import { emptyBody } from "../../src/base/body.ts";
import type { Failure } from "../../src/base/failure.ts";
import type { Variant } from "../../src/base/signature.ts";
import { encodeBody } from "../../src/bus/marshal.ts";
import { decodeFirst } from "../../src/bus/unmarshal.ts";
import type { UnitFile } from "../../src/systemd/fake-unit.ts";
import { type JobType, type Systemd, unloaded } from "../../src/systemd/port.ts";
import { Recorder } from "./recorder.ts";

/** The unit files that the tests are about. */
export const suiteUnits: readonly UnitFile[] = [
  { name: "plain.service" },
  { name: "failing.service", type: "oneshot", failsAtStart: true },
  { name: "slow.service", type: "oneshot", startMs: 30_000 },
  { name: "web.service" },
  { name: "lazy.service", stopWhenUnneeded: true },
  { name: "dep@.service", type: "oneshot", remainAfterExit: true, after: ["%i.service"], bindsTo: ["%i.service"] },
  {
    name: "lingering@.service",
    type: "oneshot",
    remainAfterExit: true,
    stopMs: 1000,
    after: ["%i.service"],
    bindsTo: ["%i.service"],
  },
];

export interface SystemdUnderTest {
  connect(): Promise<Systemd>;
  /** Waits for something that systemd brings about, letting time pass until it does. */
  wait<T>(promise: Promise<T>): Promise<T>;
  /** Makes systemd drop its connections. */
  disconnect(): Promise<void>;
}

const noSuchUnit = "org.freedesktop.systemd1.NoSuchUnit";

export function systemdSuite(name: string, subject: SystemdUnderTest): void {
  /** Runs a test's body on a connection of its own, with units that other tests may have used put back. */
  const check = (what: string, body: (session: Session) => Promise<void>) =>
    test(what, async () => {
      const session = new Session(subject, await subject.connect());
      await body(session);
      await session.tidy();
    });

  describe(name, () => {
    check("a unit's state is known without loading it", async ({ systemd, recorder }) => {
      expect(await systemd.unitState("plain.service")).toEqual(unloaded);
      expect((await systemd.unitState("never-heard-of.service")).loaded).toBe(false);
      expect(recorder.all("plain.service")).toEqual([]);
    });

    check("a service is loaded, started, stopped and unloaded", async (session) => {
      const { systemd, recorder } = session;
      const path = await session.run("start", "plain.service");
      const events = recorder.all("plain.service");
      expect(events[0]).toBe("new plain.service");
      expect(events.indexOf("state plain.service active/running")).toBeLessThan(
        events.indexOf(`job ${path} of plain.service done`),
      );
      const state = await systemd.unitState("plain.service");
      expect(state).toMatchObject({ loaded: true, activeState: "active", subState: "running" });
      expect(await systemd.listUnits("pl*n.service", "plain.service", "other-*")).toEqual([
        { unit: "plain.service", activeState: "active", subState: "running" },
      ]);
      recorder.clear();
      const stop = await session.run("stop", "plain.service");
      await session.heard("gone plain.service");
      const ends = recorder.all(/plain.service (inactive|done)|done|gone plain/);
      expect(ends[0]).toBe("state plain.service inactive/dead");
      expect(ends[1]).toBe(`job ${stop} of plain.service done`);
      expect(ends.at(-1)).toBe("gone plain.service");
    });

    check("a failed unit stays until its failure is reset", async (session) => {
      const { systemd } = session;
      await session.run("start", "failing.service", "failed");
      expect(await systemd.unitState("failing.service")).toMatchObject({ activeState: "failed", subState: "failed" });
      await systemd.callManager("ResetFailedUnit", encodeBody("s", ["failing.service"]));
      await session.heard("gone failing.service");
      expect((await systemd.unitState("failing.service")).loaded).toBe(false);
    });

    check("what cannot be done is refused in systemd's words", async ({ systemd, heard }) => {
      const refusal = async (promise: Promise<unknown>) => {
        const failure = await promise.then(
          () => undefined,
          (error: Failure) => error,
        );
        return [failure?.errorName, failure?.message];
      };
      const invalid = "org.freedesktop.DBus.Error.InvalidArgs";
      expect(await refusal(systemd.startJob("start", "nope.service", "replace"))).toEqual([
        noSuchUnit,
        "Unit nope.service not found.",
      ]);
      await heard("new nope.service");
      await heard("gone nope.service");
      expect(await refusal(systemd.startJob("stop", "nope.service", "replace"))).toEqual([
        noSuchUnit,
        "Unit nope.service not loaded.",
      ]);
      expect(await refusal(systemd.startJob("start", "plain.service", "somehow"))).toEqual([
        invalid,
        "Job mode somehow invalid",
      ]);
      expect(await refusal(systemd.startJob("start", "no name", "replace"))).toEqual([
        invalid,
        "Unit name no name is not valid.",
      ]);
      expect(await refusal(systemd.startJob("reload", "plain.service", "replace"))).toEqual([
        "org.freedesktop.systemd1.JobTypeNotApplicable",
        "Job type reload is not applicable for unit plain.service.",
      ]);
      await heard("gone plain.service");
      expect(await refusal(systemd.cancelJob("/org/freedesktop/systemd1/job/4000000000"))).toEqual([
        "org.freedesktop.DBus.Error.UnknownObject",
        "Unknown object '/org/freedesktop/systemd1/job/4000000000'.",
      ]);
      const unit = "org.freedesktop.systemd1.Unit";
      expect(await refusal(systemd.unitProperty("web.service", unit, "Nope"))).toEqual([
        "org.freedesktop.DBus.Error.UnknownProperty",
        "Unknown interface org.freedesktop.systemd1.Unit or property Nope.",
      ]);
      const manager = (method: string, signature: string, ...values: unknown[]) =>
        refusal(systemd.callManager(method, encodeBody(signature, values)));
      expect(await manager("KillUnit", "ssi", "plain.service", "all", 9)).toEqual([
        noSuchUnit,
        "Unit plain.service not loaded.",
      ]);
      expect(await manager("GetUnitFileState", "s", "nope.service")).toEqual([
        "org.freedesktop.DBus.Error.FileNotFound",
        "No such file or directory",
      ]);
      expect(await manager("FreezeUnit", "s", "plain.service")).toEqual([noSuchUnit, "Unit plain.service not loaded."]);
      expect(await manager("PowerOff", "")).toEqual([
        "org.freedesktop.DBus.Error.UnknownMethod",
        "Unknown method PowerOff or interface org.freedesktop.systemd1.Manager.",
      ]);
      expect(await manager("KillUnit", "s", "plain.service")).toEqual([
        invalid,
        "Invalid arguments 's' to call org.freedesktop.systemd1.Manager.KillUnit(), expecting 'ssi'.",
      ]);
    });

    check("properties say what signals say", async (session) => {
      const { systemd } = session;
      await session.run("start", "plain.service");
      const unit = "org.freedesktop.systemd1.Unit";
      const all = decodeFirst(await systemd.unitProperties("plain.service", unit)) as Map<string, Variant>;
      const read = async (name: string) =>
        (decodeFirst(await systemd.unitProperty("plain.service", unit, name)) as Variant).value;
      for (const property of ["Id", "LoadState", "ActiveState", "SubState", "ActiveEnterTimestampMonotonic"])
        expect(await read(property)).toEqual(all.get(property)?.value);
      expect(all.get("Id")?.value).toBe("plain.service");
      const stamp = (name: string) => all.get(`${name}TimestampMonotonic`)?.value as bigint;
      expect(stamp("ActiveEnter")).toBeGreaterThanOrEqual(stamp("InactiveExit"));
      const everything = decodeFirst(await systemd.unitProperties("plain.service", "")) as Map<string, Variant>;
      expect(everything.get("MainPID")?.value).toBeGreaterThan(0);
    });

    check("a job is canceled", async (session) => {
      const { systemd, recorder } = session;
      const path = await systemd.startJob("start", "slow.service", "replace");
      await session.heard("state slow.service activating/start");
      expect(await systemd.startJob("start", "slow.service", "replace")).toBe(path);
      await systemd.cancelJob(path);
      await session.heard(`job ${path} of slow.service canceled`);
      expect(recorder.all(`${path} (waiting|running)`)).toEqual([`job ${path} running`]);
    });

    check("a stop takes the place of a start", async (session) => {
      const { systemd } = session;
      const start = await systemd.startJob("start", "slow.service", "replace");
      await session.heard("state slow.service activating/start");
      const failure = await systemd.startJob("stop", "slow.service", "fail").catch((error: Failure) => error);
      expect(failure).toMatchObject({
        errorName: "org.freedesktop.systemd1.TransactionIsDestructive",
        message:
          "Transaction for slow.service/stop is destructive (slow.service has 'start' job queued, but 'stop' is included in transaction).",
      });
      await session.run("stop", "slow.service");
      await session.heard(`job ${start} of slow.service canceled`);
    });

    check("a job is found for as long as it has not ended", async (session) => {
      const { systemd } = session;
      const path = await systemd.startJob("start", "slow.service", "replace");
      await session.heard("state slow.service activating/start");
      expect(await systemd.findJob(path)).toEqual({ unit: "slow.service", running: true });
      await session.run("stop", "slow.service");
      expect(await systemd.findJob(path)).toBeUndefined();
      expect(await systemd.findJob("/org/freedesktop/systemd1/job/4000000000")).toBeUndefined();
    });

    check("who is bound to a unit starts after it, and stops with it", async (session) => {
      const { systemd, recorder } = session;
      await session.run("start", "dep@web.service");
      const events = recorder.all(/state (dep@web|web).service active/);
      expect(events).toEqual(["state web.service active/running", "state dep@web.service active/exited"]);
      recorder.clear();
      await systemd.callManager("KillUnit", encodeBody("ssi", ["web.service", "all", 9]));
      await session.heard("state dep@web.service inactive/dead");
      expect(recorder.all("state web.service failed").length).toBe(1);
      await systemd.callManager("ResetFailed", emptyBody);
    });

    check("who is bound to a unit that fails does not start", async (session) => {
      const path = await session.run("start", "dep@failing.service", "dependency");
      expect(session.recorder.all(/ of .* (failed|dependency)$/).at(-1)).toBe(
        `job ${path} of dep@failing.service dependency`,
      );
      expect((await session.systemd.unitState("failing.service")).activeState).toBe("failed");
    });

    check("who is bound to a unit stops when that is to stop, though a start overtakes the stop", async (session) => {
      const { systemd, recorder } = session;
      await session.run("start", "lingering@web.service");
      recorder.clear();
      const [stop] = await Promise.all([
        systemd.startJob("stop", "web.service", "replace"),
        systemd.startJob("start", "web.service", "replace"),
      ]);
      await session.heard(`job ${stop} of web.service canceled`);
      await session.heard("state lingering@web.service inactive/dead");
      expect((await systemd.unitState("web.service")).activeState).toBe("active");
      expect(recorder.all(/state web.service (deactivating|inactive)/)).toEqual([]);
    });

    check("requirements aside, who is bound to a unit starts beside it, and does not start it", async (session) => {
      const { systemd } = session;
      await session.run("start", "web.service");
      await session.run("start", "dep@web.service", "done", "ignore-requirements");
      await session.run("stop", "web.service");
      await session.run("start", "dep@web.service", "dependency", "ignore-requirements");
      expect((await systemd.unitState("web.service")).activeState).toBe("inactive");
    });

    check("a start waits for the stop that it takes the place of", async (session) => {
      const { systemd } = session;
      await session.run("start", "lingering@web.service");
      const stop = await systemd.startJob("stop", "lingering@web.service", "replace");
      await session.heard("state lingering@web.service deactivating/stop");
      await session.run("start", "lingering@web.service");
      await session.heard(`job ${stop} of lingering@web.service canceled`);
      expect((await systemd.unitState("lingering@web.service")).activeState).toBe("active");
    });

    check("a restart takes along who is bound to the unit, and lets it come first", async (session) => {
      await session.run("start", "lingering@web.service");
      session.recorder.clear();
      await session.run("restart", "web.service");
      await session.heard("of lingering@web.service done");
      const told = session.recorder.all(/^state/);
      const steps = [
        told.indexOf("state lingering@web.service inactive/dead"),
        told.indexOf("state web.service inactive/dead"),
        told.lastIndexOf("state web.service active/running"),
        told.lastIndexOf("state lingering@web.service active/exited"),
      ];
      expect(steps).not.toContain(-1);
      expect(steps).toEqual(steps.toSorted((one, other) => one - other));
    });

    check("a unit that nobody needs any longer stops, if it says so", async (session) => {
      await session.run("start", "dep@lazy.service");
      await session.run("stop", "dep@lazy.service");
      await session.heard("state lazy.service inactive/dead");
    });

    check("a restart goes through a stop", async (session) => {
      await session.run("start", "plain.service");
      session.recorder.clear();
      await session.run("restart", "plain.service");
      const states = session.recorder.all("state plain.service");
      expect(states).toContain("state plain.service inactive/dead");
      expect(states.at(-1)).toBe("state plain.service active/running");
    });

    check("unit files are enabled and disabled", async ({ systemd }) => {
      const state = async () =>
        decodeFirst(await systemd.callManager("GetUnitFileState", encodeBody("s", ["plain.service"])));
      const enable = encodeBody("asbb", [["plain.service"], false, false]);
      expect((await systemd.callManager("EnableUnitFiles", enable)).signature).toBe("ba(sss)");
      expect(await state()).toBe("enabled");
      await systemd.callManager("DisableUnitFiles", encodeBody("asb", [["plain.service"], false]));
      expect(await state()).toBe("disabled");
      const files = decodeFirst(await systemd.callManager("ListUnitFiles", emptyBody)) as [string, string][];
      expect(files.find(([path]) => path.endsWith("/plain.service"))?.[1]).toBe("disabled");
    });

    check("a reload tells only what is different after it", async (session) => {
      await session.run("start", "plain.service");
      session.recorder.clear();
      await session.wait(session.systemd.callManager("Reload", emptyBody));
      expect(session.recorder.all(/^(new|gone) plain.service/)).toEqual([]);
      expect((await session.systemd.unitState("plain.service")).activeState).toBe("active");
    });

    check("of units that nobody listens to only jobs are told", async (session) => {
      session.recorder.deafTo = "plain.service";
      const path = await session.run("start", "plain.service");
      expect(session.recorder.all("plain.service")).toEqual(["new plain.service", `job ${path} of plain.service done`]);
      session.recorder.deafTo = undefined;
    });

    check("who has closed the connection is told nothing", async (session) => {
      const gone = await subject.connect();
      const recorder = new Recorder();
      gone.listen(recorder);
      gone.close();
      await session.run("start", "plain.service");
      expect(recorder.told).toEqual([]);
    });

    test("a lost connection is told once, and calls fail from then on", async () => {
      const systemd = await subject.connect();
      const recorder = new Recorder();
      systemd.listen(recorder);
      await subject.disconnect();
      await subject.wait(recorder.heard("lost"));
      await expect(systemd.unitState("plain.service")).rejects.toMatchObject({
        errorName: "org.freedesktop.DBus.Error.Disconnected",
      });
      systemd.close();
      expect(recorder.all("lost").length).toBe(1);
    });
  });
}

/** One connection, and what it hears. */
class Session {
  readonly systemd: Systemd;
  readonly recorder = new Recorder();
  readonly #subject: SystemdUnderTest;

  constructor(subject: SystemdUnderTest, systemd: Systemd) {
    this.#subject = subject;
    this.systemd = systemd;
    systemd.listen(this.recorder);
  }

  wait = <T>(promise: Promise<T>): Promise<T> => this.#subject.wait(promise);

  heard = (what: string | RegExp) => this.wait(this.recorder.heard(what));

  /** Runs a job to its end, which has to be as expected. @returns its path. */
  async run(type: JobType, unit: string, result = "done", mode = "replace"): Promise<string> {
    const path = await this.systemd.startJob(type, unit, mode);
    expect(await this.heard(`job ${path} of `)).toBe(`job ${path} of ${unit} ${result}`);
    return path;
  }

  /** Stops and unloads what the test used. */
  async tidy(): Promise<void> {
    for (const { name } of suiteUnits) {
      const pattern = name.replace("@.", "@*.");
      for (const { unit, activeState } of await this.systemd.listUnits(pattern))
        if (activeState !== "inactive" && activeState !== "failed") await this.run("stop", unit);
    }
    await this.systemd.callManager("ResetFailed", emptyBody);
    this.systemd.close();
  }
}
