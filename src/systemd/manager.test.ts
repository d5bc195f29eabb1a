import { expect, test } from "bun:test";
import { ErrorName } from "../base/failure.ts";
import { FakeClock } from "../base/fake-clock.ts";
import { answering, testPeer } from "../bus/test-peer.ts";
import { Manager } from "./manager.ts";

test("whether it is being restarted is asked no longer than a process that stops can wait", async () => {
  const clock = new FakeClock();
  const asked = Promise.withResolvers<void>();
  const systemd = answering(({ member }) => {
    if (member === "Subscribe") return {};
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
