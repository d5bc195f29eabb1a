import { expect, test } from "bun:test";
import { ErrorName } from "../base/failure.ts";
import { FakeClock } from "../base/fake-clock.ts";
import { encodeBody } from "../bus/marshal.ts";
import { MessageType } from "../bus/message.ts";
import { answering, send, testPeer } from "../bus/test-peer.ts";
import { decodeBody } from "../bus/unmarshal.ts";
import { Manager } from "./manager.ts";

test("whether it is being restarted is asked no longer than a process that stops can wait", async () => {
  const clock = new FakeClock();
  const asked = Promise.withResolvers<void>();
  const systemd = answering(() => {
    asked.resolve();
    return undefined;
  });
  const manager = await Manager.over(await testPeer(systemd, { clock }));
  const stopJob = manager.stopJob();
  await asked.promise;
  clock.advance(1000);
  await expect(stopJob).rejects.toMatchObject({ errorName: ErrorName.Timeout });
  manager.close();
});

test("on a private connection nothing is asked before it is used, and signals are heard of who is listened to", async () => {
  const asked: string[] = [];
  const told: string[] = [];
  const connection = await testPeer((socket) => {
    answering(({ member }) => {
      asked.push(member);
      const signal = { type: MessageType.signal, sender: "org.freedesktop.systemd1" };
      const changed = { ...signal, interface: "org.freedesktop.DBus.Properties", member: "PropertiesChanged" };
      const state = new Map([["ActiveState", { signature: "s", value: "active" }]]);
      const body = encodeBody("sa{sv}as", ["org.freedesktop.systemd1.Unit", state, []]);
      for (const unit of ["a", "b"])
        send(socket, { ...changed, path: `/org/freedesktop/systemd1/unit/${unit}_2eservice`, body });
      const manager = { ...signal, path: "/org/freedesktop/systemd1", interface: "org.freedesktop.systemd1.Manager" };
      const job = "/org/freedesktop/systemd1/job/7";
      send(socket, { ...manager, member: "JobNew", body: encodeBody("uos", [7, job, "b.service"]) });
      send(socket, { ...manager, member: "JobRemoved", body: encodeBody("uoss", [7, job, "b.service", "done"]) });
      return { body: encodeBody("o", [job]) };
    })(socket);
  });
  const manager = await Manager.over(connection);
  manager.listen({
    ...{ unitNew() {}, unitRemoved() {}, jobStateChanged() {}, lost() {} },
    listensTo: (unit) => unit === "b.service",
    unitPropertiesChanged: (unit, _interface, _properties, { activeState }) => told.push(`${unit} ${activeState}`),
    jobRemoved: (path, unit, result) => told.push(`${path} ${unit} ${result}`),
  });
  expect(await manager.startJob("start", "b.service", "replace")).toBe("/org/freedesktop/systemd1/job/7");
  expect(asked).toEqual(["StartUnit"]);
  expect(told).toEqual(["b.service active", "/org/freedesktop/systemd1/job/7 b.service done"]);
  manager.close();
});

test("each question for a property is asked as it was meant, whatever was asked before", async () => {
  const asked: string[] = [];
  const systemd = answering(({ path, member, body }) => {
    asked.push([path, member, ...decodeBody(body)].join(" "));
    return { body: encodeBody("v", [{ signature: "u", value: 1 }]) };
  });
  const manager = await Manager.over(await testPeer(systemd));
  const meant: string[] = [];
  for (const round of [1, 2])
    for (const unit of ["a", "b"])
      for (const interfaceName of ["a.b", "a.c", `a.${"d".repeat(300)}`])
        for (const property of ["Names", "Id"]) {
          await manager.unitProperty(`${unit}.service`, interfaceName, property);
          meant.push(`/org/freedesktop/systemd1/unit/${unit}_2eservice Get ${interfaceName} ${property}`);
          if (round === 1) continue;
          await manager.unitProperties(`${unit}.service`, interfaceName);
          meant.push(`/org/freedesktop/systemd1/unit/${unit}_2eservice GetAll ${interfaceName}`);
        }
  expect(asked).toEqual(meant);
  manager.close();
});
