import { describe, expect, test } from "bun:test";
import { ErrorName, Failure } from "../../src/base/failure.ts";
import { FakeClock } from "../../src/base/fake-clock.ts";
import type { Transport } from "../../src/wire/transport.ts";
import { allWorlds, meet } from "./worlds.ts";

const body = (size: number) => ({ signature: "ay", bytes: new Uint8Array(size).fill(7) });
const terminated = new Failure(ErrorName.NoReply, "Connection terminated");

for (const world of await allWorlds()) {
  describe(world.name, () => {
    test("both sides learn of each other", async () => {
      const { controller, agent } = await meet(world);
      const agreed = { protocol: 1, features: 1, heartbeatIntervalMs: 0 };
      expect(controller.session.agreement).toEqual({ ...agreed, peerVersion: "1.0.0-1" });
      expect(agent.session.agreement).toEqual({ ...agreed, peerVersion: "2.0.0-1" });
      expect(controller.session.peer).toBe(world.peer);
      agent.session.close("done");
      expect(await controller.ended).toBe("done");
    });

    test("calls are answered, whatever their size, and out of order", async () => {
      const first = Promise.withResolvers<void>();
      const { controller, agent } = await meet(
        world,
        {},
        {
          handlers: {
            getUnitProperties: async ({ unit }) => {
              if (unit === "slow.service") await first.promise;
              return { properties: body(unit === "large.service" ? 3_000_000 : 10) };
            },
            startDependency: ({ unit }) => ({ result: `${unit} started` }),
          },
        },
      );
      const { session } = controller;
      const slow = session.call("getUnitProperties", { unit: "slow.service", interface: "" });
      const large = session.call("getUnitProperties", { unit: "large.service", interface: "" });
      expect(await session.call("startDependency", { unit: "x" })).toEqual({ result: "x started" });
      expect((await large).properties).toEqual(body(3_000_000));
      first.resolve();
      expect((await slow).properties).toEqual(body(10));
      session.close("done");
      expect(await agent.ended).toBe("done");
    });

    test("a long answer is compressed, but not for a peer on this host", async () => {
      const lines = Array.from({ length: 2000 }, (_, index) => `many@${index}.target loaded active running`);
      const properties = { signature: "s", bytes: Buffer.from(lines.join("\n")) };
      const [near, far] = await world.open();
      let sent = 0;
      const write = near.write.bind(near);
      near.write = (bytes) => {
        sent += bytes.length;
        write(bytes);
      };
      const counted = { ...world, open: async (): Promise<[Transport, Transport]> => [near, far] };
      const { controller } = await meet(counted, {}, { handlers: { getUnitProperties: () => ({ properties }) } });
      const answer = await controller.session.call("getUnitProperties", { unit: "u", interface: "" });
      expect(Buffer.compare(answer.properties.bytes, properties.bytes)).toBe(0);
      if (near.local) expect(sent).toBeGreaterThan(properties.bytes.length);
      else expect(sent).toBeLessThan(properties.bytes.length / 4);
      controller.session.close("done");
    });

    test("events and calls arrive in the order they were sent", async () => {
      const seen: number[] = [];
      const handlers = {
        jobStateChanged: ({ jobId }: { jobId: number }) => void seen.push(jobId),
        createProxy: ({ proxyId }: { proxyId: number }) => {
          seen.push(proxyId);
          return {};
        },
      };
      const { agent } = await meet(world, { handlers });
      let last: Promise<unknown> = Promise.resolve();
      for (let id = 0; id < 3000; id++) {
        if (id % 10 !== 9) agent.session.emit("jobStateChanged", { jobId: id, state: "running" });
        else last = agent.session.call("createProxy", { proxyId: id, node: "n", unit: "u" });
      }
      await last;
      expect(seen).toEqual(Array.from({ length: 3000 }, (_, id) => id));
      agent.session.close("done");
    });

    test("a reply resolves before what was sent a turn later is handed out", async () => {
      const seen: string[] = [];
      const removed = Promise.withResolvers<void>();
      const { controller, agent } = await meet(
        world,
        {
          handlers: {
            jobRemoved: ({ result }) => {
              seen.push(result);
              removed.resolve();
            },
          },
        },
        {
          handlers: {
            startJob: () => {
              setImmediate(() => agent.session.emit("jobRemoved", { jobId: 1, result: "removed" }));
              return { job: "/1", startedMonotonicUs: 1n, boot: 1n };
            },
          },
        },
      );
      const job = controller.session.call("startJob", { jobId: 1, type: "start", unit: "u", mode: "replace" });
      void job.then(() => seen.push("answered"));
      await removed.promise;
      expect(seen).toEqual(["answered", "removed"]);
      agent.session.close("done");
    });

    test("failures reach the caller with their name and words", async () => {
      const { controller, agent } = await meet(
        world,
        {},
        {
          handlers: {
            cancelJob: () => {
              throw new Failure("org.freedesktop.systemd1.NoSuchUnit", "no such unit");
            },
            startDependency: async () => {
              throw new TypeError("oops\nat secret place");
            },
          },
        },
      );
      const { session } = controller;
      await expect(session.call("cancelJob", { jobId: 1 })).rejects.toMatchObject({
        errorName: "org.freedesktop.systemd1.NoSuchUnit",
        message: "no such unit",
      });
      await expect(session.call("startDependency", { unit: "u" })).rejects.toEqual(
        new Failure(ErrorName.Failed, "oops"),
      );
      agent.session.close("done");
    });

    test("what is too large fails alone", async () => {
      const limits = { maxFrame: 5000 };
      const { controller, agent } = await meet(
        world,
        { limits },
        { limits, handlers: { callManager: () => ({ result: body(6000) }) } },
      );
      const { session } = controller;
      const call = (size: number) => session.call("callManager", { method: "m", arguments: body(size) });
      await expect(call(5000)).rejects.toMatchObject({ errorName: ErrorName.LimitsExceeded });
      await expect(call(1)).rejects.toMatchObject({ errorName: ErrorName.LimitsExceeded });
      await expect(session.call("cancelJob", { jobId: -1 })).rejects.toMatchObject({
        errorName: ErrorName.InvalidArgs,
      });
      expect(await session.call("cancelJob", { jobId: 1 })).toEqual({});
      agent.session.close("done");
    });

    test("a call that is not answered in time rejects, and its late reply is skipped", async () => {
      const clock = new FakeClock();
      const late = Promise.withResolvers<Record<string, never>>();
      const { controller, agent } = await meet(world, { clock }, { handlers: { cancelJob: () => late.promise } });
      const { session } = controller;
      const call = session.call("cancelJob", { jobId: 1 });
      const patient = session.call("cancelJob", { jobId: 1 }, { timeoutMs: 0 });
      clock.advance(30_000);
      await expect(call).rejects.toEqual(new Failure(ErrorName.NoReply, "Method call timed out"));
      expect(clock.pending).toBe(0);
      late.resolve({});
      expect(await patient).toEqual({});
      expect(session.closed).toBe(false);
      agent.session.close("done");
    });

    test("the end rejects pending calls on both sides and is told once", async () => {
      const reasons: string[] = [];
      const never = () => new Promise<never>(() => {});
      const { controller, agent } = await meet(
        world,
        { handlers: { createProxy: never }, onClose: (reason) => void reasons.push(`controller ${reason}`) },
        { handlers: { cancelJob: never }, onClose: (reason) => void reasons.push(`agent ${reason}`) },
      );
      const calls = [
        controller.session.call("cancelJob", { jobId: 1 }),
        agent.session.call("createProxy", { proxyId: 1, node: "n", unit: "u" }),
      ].map((call) => call.catch((failure) => failure));
      controller.session.close("shutting down");
      expect(reasons).toEqual(["controller shutting down"]);
      expect(await Promise.all(calls)).toEqual([terminated, terminated]);
      expect(await agent.ended).toBe("shutting down");
      controller.session.close("again");
      agent.session.close("again");
      expect(agent.session.closed).toBe(true);
      await expect(agent.session.call("createProxy", { proxyId: 1, node: "n", unit: "u" })).rejects.toEqual(terminated);
      agent.session.emit("unitNew", { unit: "u" });
      expect(reasons).toEqual(["controller shutting down", "agent shutting down"]);
    });

    test("a connection that breaks is lost", async () => {
      const ends = await world.open();
      const { controller } = await meet({ ...world, open: async () => ends });
      ends[0].abort();
      expect(await controller.ended).toStartWith("connection lost");
    });

    test("heartbeats keep a quiet session, and a silent peer is lost", async () => {
      const clock = new FakeClock();
      let beats = 0;
      const seen: { resolve?: () => void } = {};
      const onHeartbeat = () => {
        beats++;
        seen.resolve?.();
      };
      const { controller, agent } = await meet(
        world,
        { clock, heartbeat: { intervalMs: 0, thresholdMs: 6000 }, onHeartbeat },
        { clock, heartbeat: { intervalMs: 2000, thresholdMs: 0 } },
      );
      for (let count = 1; count <= 5; count++) {
        const beat = new Promise<void>((resolve) => {
          seen.resolve = resolve;
        });
        clock.advance(2000);
        await beat;
        expect(beats).toBe(count);
      }
      // Now a turn of the clock without a turn of the loop: no heartbeat gets through.
      clock.advance(6000);
      expect(await controller.ended).toBe("no heartbeat for 6000 ms");
      expect(await agent.ended).toBe("no heartbeat for 6000 ms");
      expect(clock.pending).toBe(0);
    });

    test("a peer that sends no heartbeats is not taken for lost", async () => {
      const clock = new FakeClock();
      const { controller, agent } = await meet(world, { clock, heartbeat: { intervalMs: 0, thresholdMs: 6000 } });
      clock.advance(60_000);
      expect(controller.session.closed).toBe(false);
      agent.session.close("done");
    });

    test("who is not listened to is not taken for lost, and is heard to the end afterwards", async () => {
      const clock = new FakeClock();
      const heard: number[] = [];
      const all = Promise.withResolvers<void>();
      const { controller, agent } = await meet(
        world,
        {
          clock,
          heartbeat: { intervalMs: 0, thresholdMs: 6000 },
          handlers: { jobStateChanged: ({ jobId }) => void (heard.push(jobId) === 1000 && all.resolve()) },
        },
        { heartbeat: { intervalMs: 3_600_000, thresholdMs: 0 } },
      );
      controller.session.hold(true);
      for (let jobId = 0; jobId < 1000; jobId++) agent.session.emit("jobStateChanged", { jobId, state: "running" });
      for (let turns = 0; turns < 50; turns++) await new Promise(setImmediate);
      clock.advance(60_000);
      expect(heard).toEqual([]);
      expect(controller.session.closed).toBe(false);
      controller.session.hold(false);
      await all.promise;
      expect(heard).toEqual(Array.from({ length: 1000 }, (_, jobId) => jobId));
      clock.advance(12_001);
      expect(await controller.ended).toBe("no heartbeat for 6000 ms");
    });

    test("a flood lets others have their turn", async () => {
      let turns = 0;
      let inTurn = 0;
      let most = 0;
      const all = Promise.withResolvers<void>();
      const { controller, agent } = await meet(world, {
        handlers: {
          unitRemoved({ unit }) {
            if (inTurn++ === 0) {
              setImmediate(() => {
                turns++;
                inTurn = 0;
              });
            }
            most = Math.max(most, inTurn);
            if (unit === "last") all.resolve();
          },
        },
      });
      for (let count = 0; count < 2000; count++) agent.session.emit("unitRemoved", { unit: "u" });
      agent.session.emit("unitRemoved", { unit: "last" });
      await all.promise;
      expect(most).toBeLessThanOrEqual(256);
      expect(turns).toBeGreaterThanOrEqual(7);
      controller.session.close("done");
    });

    test("too many calls at once: own ones fail, the peer's wait", async () => {
      const gate = Promise.withResolvers<void>();
      let running = 0;
      let most = 0;
      const { controller, agent } = await meet(
        world,
        { limits: { maxPending: 50 } },
        {
          limits: { maxPending: 10 },
          handlers: {
            cancelJob: async () => {
              most = Math.max(most, ++running);
              if (running === 10) setImmediate(gate.resolve);
              await gate.promise;
              running--;
              return {};
            },
          },
        },
      );
      const calls = Array.from({ length: 51 }, () => controller.session.call("cancelJob", { jobId: 1 }));
      await expect(calls[50]!).rejects.toMatchObject({ errorName: ErrorName.LimitsExceeded });
      await Promise.all(calls.slice(0, 50));
      expect(most).toBe(10);
      agent.session.close("done");
    });

    test("large replies to a peer that reads all get through, past the high-water mark", async () => {
      const limits = { highWaterBytes: 100_000, maxQueuedBytes: 1_000_000 };
      const { controller, agent } = await meet(
        world,
        {},
        { limits, handlers: { callManager: () => ({ result: body(50_000) }) } },
      );
      const ask = () => controller.session.call("callManager", { method: "m", arguments: body(0) });
      const replies = await Promise.all(Array.from({ length: 200 }, ask));
      expect(replies.every(({ result }) => result.bytes.length === 50_000)).toBe(true);
      agent.session.close("done");
    });

    test("a peer that takes none of its replies is lost, one that takes some is not", async () => {
      const clock = new FakeClock();
      const ends = await world.open();
      const { controller, agent } = await meet(
        { ...world, open: async () => ends },
        { heartbeat: { intervalMs: 3_600_000, thresholdMs: 0 } },
        {
          clock,
          limits: { highWaterBytes: 100_000 },
          heartbeat: { intervalMs: 0, thresholdMs: 6000 },
          handlers: { callManager: () => ({ result: body(16_000_000) }) },
        },
      );
      const ask = () => controller.session.call("callManager", { method: "m", arguments: body(0) }).catch(() => {});
      const turnsUntil = async (done: () => boolean) => {
        while (!done()) await new Promise(setImmediate);
      };
      ends[1].pause();
      const calls = [ask(), ask()];
      await turnsUntil(() => ends[0].queuedBytes > 1_000_000);
      clock.advance(5999);
      const queued = ends[0].queuedBytes;
      ends[1].resume();
      await turnsUntil(() => ends[0].queuedBytes < queued);
      ends[1].pause();
      clock.advance(1);
      expect(agent.session.closed).toBe(false);
      ends[1].resume();
      await Promise.all(calls);
      ends[1].pause();
      calls.push(ask());
      await turnsUntil(() => ends[0].queuedBytes > 1_000_000);
      clock.advance(12_001);
      expect(await agent.ended).toBe("peer does not read for 6000 ms");
      ends[1].resume();
      await Promise.all(calls);
    });

    test("a peer that is sent too much and does not read is given up", async () => {
      const ends = await world.open();
      const limits = { maxQueuedBytes: 1_000_000 };
      const { controller } = await meet({ ...world, open: async () => ends }, { limits });
      ends[0].pause();
      const calls: Promise<unknown>[] = [];
      while (calls.length < 500) {
        calls.push(controller.session.call("callManager", { method: "m", arguments: body(50_000) }));
      }
      const results = await Promise.allSettled(calls);
      expect(results.every(({ status }) => status === "rejected")).toBe(true);
      expect(await controller.ended).toBe("peer does not read: more than 1000000 bytes are queued");
      ends[0].abort();
    });
  });
}
