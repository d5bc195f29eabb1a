import { expect, test } from "bun:test";
import type { JobType } from "../../systemd/port.ts";
import { verdict } from "./verdict.ts";

const before = 999n;
const started = 1000n;
const since = 1001n;

test.each<[JobType, string, string, bigint, string | undefined]>([
  ["start", "active", "running", since, "done"],
  ["start", "active", "running", before, "done"],
  ["start", "reloading", "reload", before, "done"],
  ["start", "failed", "failed", since, "failed"],
  ["start", "activating", "auto-restart", since, "failed"],
  ["start", "activating", "start", since, "canceled"],
  ["start", "inactive", "dead", since, "done"],
  ["start", "inactive", "dead", before, undefined],
  ["start", "inactive", "dead", 0n, undefined],
  ["start", "deactivating", "stop", since, "done"],
  ["restart", "active", "running", since, "done"],
  ["restart", "active", "running", before, "canceled"],
  ["restart", "failed", "failed", since, "failed"],
  ["restart", "inactive", "dead", before, undefined],
  ["stop", "inactive", "dead", before, "done"],
  ["stop", "failed", "failed", before, "done"],
  ["stop", "active", "running", before, "canceled"],
  ["stop", "deactivating", "stop", before, "canceled"],
  ["reload", "active", "running", before, undefined],
])("a %s job whose unit is now %s (%s), left inactive at %s: %s", (type, activeState, subState, left, result) => {
  expect(verdict(type, { loaded: true, activeState, subState, leftInactiveUs: left }, started)).toBe(result);
});
