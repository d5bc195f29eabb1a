import { expect, test } from "bun:test";
import { ErrorName, Failure } from "../base/failure.ts";
import { Callers } from "./callers.ts";
import type { BusConnection } from "./connection.ts";
import { encodeBody } from "./marshal.ts";
import { decodeBody } from "./unmarshal.ts";

/** A bus that knows everybody but `:1.0`, and counts what it is asked. */
function world() {
  const asked: string[] = [];
  const told = Promise.withResolvers<void>();
  const connection: Pick<BusConnection, "call"> = {
    async call({ member, body }) {
      const [name] = decodeBody(body ?? encodeBody("", [])) as [string];
      if (member === "GetUnitByPID") {
        await told.promise;
        if (Number(name) === 2) throw new Failure("org.freedesktop.systemd1.NoUnitForPID", "none");
        return { body: encodeBody("o", ["/org/freedesktop/systemd1/unit/session_2d7_2escope"]) };
      }
      asked.push(`${member} ${name}`);
      if (name === ":1.0") throw new Failure(ErrorName.NameHasNoOwner, "nobody");
      const pid = name === ":1.9" ? {} : { ProcessID: Number(name.slice(3)) };
      const values = { UnixUserID: Number(name.slice(3)), ...pid, UnixGroupIDs: [] };
      const signatures: Record<string, string> = { UnixGroupIDs: "au" };
      const variants = Object.entries(values).map(
        ([key, value]) => [key, { signature: signatures[key] ?? "u", value }] as const,
      );
      return { body: encodeBody("a{sv}", [new Map(variants)]) };
    },
  };
  return { callers: new Callers(connection), asked, told };
}

test("the bus is asked once about a caller, however many calls come at once, and then who it is is known at once", async () => {
  const { callers, asked } = world();
  const first = callers.get(":1.7");
  expect(callers.get(":1.7")).toBe(first);
  expect(await first).toMatchObject({ uid: 7, pid: 7 });
  expect(callers.get(":1.7")).toMatchObject({ uid: 7 });
  expect(asked).toEqual(["GetConnectionCredentials :1.7"]);
});

test("of a caller in another PID namespace a bus may not tell the process", async () => {
  expect(await world().callers.get(":1.9")).toEqual({ uid: 9, pid: 0, unit: "", settled: undefined });
});

test("of a caller that has left nothing is kept", async () => {
  const { callers, asked } = world();
  for (const _each of [1, 2]) await expect(Promise.resolve(callers.get(":1.0"))).rejects.toThrow("nobody");
  expect(asked).toHaveLength(2);
});

test("who has not called for longest is forgotten when there are too many", async () => {
  const { callers, asked } = world();
  for (let uid = 1; uid <= 1024; uid++) await callers.get(`:1.${uid}`);
  await callers.get(":1.1");
  await callers.get(":1.2000");
  asked.length = 0;
  await callers.get(":1.1");
  expect(asked).toEqual([]);
  await callers.get(":1.2");
  expect(asked).toEqual(["GetConnectionCredentials :1.2"]);
});

test("systemd is asked for the caller's unit, which nobody has to wait for", async () => {
  const { callers, told } = world();
  const who = await callers.get(":1.7");
  expect(who.unit).toBe("");
  told.resolve();
  await who.settled;
  expect(who).toEqual({ uid: 7, pid: 7, unit: "session-7.scope", settled: undefined });
  const other = await callers.get(":1.2");
  await other.settled;
  expect(other.unit).toBe("");
});
