import { expect, test } from "bun:test";
import { daemonSettings } from "./daemon.ts";
import { readSettings } from "./settings.ts";
import { socketOptions } from "./socket-options.ts";

const defaults = readSettings(daemonSettings, new Map());

test.each([
  ["heartbeats keep it from being idle", 2000, undefined, 6000, 3, 7000],
  ["frequent ones do, too", 100, undefined, 6000, 1, 7000],
  ["without heartbeats", 0, undefined, 0, 1, 7000],
  ["heartbeats that are too rare to find a loss as soon as probes do", 60_000, undefined, 180_000, 1, 180_000],
  ["what is set counts, whatever heartbeats do", 2000, 1, 6000, 1, 7000],
  ["what is set counts, long or short", 2000, 77, 6000, 77, 83_000],
])("keepalive: %s", (_what, HeartbeatInterval, TCPKeepAliveTime, thresholdMs, keepAliveTimeS, userTimeoutMs) => {
  const options = socketOptions({ ...defaults, TCPKeepAliveTime, HeartbeatInterval }, thresholdMs);
  expect(options).toMatchObject({ keepAliveTimeS, userTimeoutMs });
});
