import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { systemClock } from "./clock.ts";
import { boundAddress, clockMonotonicUs, groupId, peerContext, peerCredentials, sendDatagram, userId } from "./libc.ts";

test("the monotonic clock is the kernel's", () => {
  const first = clockMonotonicUs();
  const again = systemClock.monotonicUs();
  const last = clockMonotonicUs();
  expect(first).toBeGreaterThan(0n);
  expect(again).toBeGreaterThanOrEqual(first - 2000n);
  expect(again).toBeLessThanOrEqual(last + 2000n);
  // /proc/uptime counts suspended time as well, so it is never behind but by what it leaves out, below a hundredth.
  const uptimeUs = BigInt(Math.round(Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1e6));
  expect(last).toBeLessThanOrEqual(uptimeUs + 10_000n);
});

test("a datagram to nobody is not taken", () => {
  expect(sendDatagram("/nonexistent/socket", Buffer.from("READY=1"))).toBe(false);
  expect(sendDatagram("@bluechi-test-nobody", Buffer.from("READY=1"))).toBe(false);
  expect(sendDatagram("", Buffer.from("READY=1"))).toBe(false);
  expect(sendDatagram("x".repeat(200), Buffer.from("READY=1"))).toBe(false);
});

test.each([
  ["127.0.0.1", "7f000001"],
  ["0.0.0.0", "00000000"],
  ["::1", `${"00".repeat(15)}01`],
] as const)("a socket that is bound to %s tells so", (hostname, expected) => {
  const server = Bun.listen({ hostname, port: 0, socket: { data() {} } }) as Bun.TCPSocketListener & { fd: number };
  try {
    expect(Buffer.from(boundAddress(server.fd) ?? "").toString("hex")).toBe(expected);
  } finally {
    server.stop();
  }
});

test("what is no socket, or not one of IP, is bound to no address", () => {
  const server = Bun.listen({ unix: "\0bluechi-test-bound", socket: { data() {} } }) as unknown as {
    fd: number;
    stop(): void;
  };
  try {
    expect(boundAddress(server.fd)).toBeUndefined();
    expect(boundAddress(-1)).toBeUndefined();
  } finally {
    server.stop();
  }
});

test("what is no socket has no security context", () => {
  expect(peerContext(-1)).toBeUndefined();
});

test("what is no socket has nobody at its other end", () => {
  expect(peerCredentials(-1)).toBeUndefined();
});

test("users and groups have the numbers that their files say", () => {
  for (const [file, idOf] of [
    ["/etc/passwd", userId],
    ["/etc/group", groupId],
  ] as const) {
    for (const line of readFileSync(file, "utf8").trim().split("\n")) {
      const [name = "", , id] = line.split(":");
      expect([name, idOf(name)]).toEqual([name, Number(id)]);
    }
  }
  expect([userId("no such user"), groupId("")]).toEqual([undefined, undefined]);
});
