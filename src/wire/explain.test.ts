import { expect, test } from "bun:test";
import { addressBytes, explain } from "./explain.ts";

/** As the runtime tells of any connection that it did not get. */
function refused(address: string, port = 9): Error {
  return Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED", address, port });
}

test.each([
  ["127.0.0.1", "connection refused"],
  ["::1", "connection refused"],
  // TCP knows no way to an address of many.
  ["255.255.255.255", "network is unreachable"],
  ["fe80::1%eth0", "connection refused, or no route to host"],
])("what the runtime calls a refusal by %s is called what the kernel calls it", (address, words) => {
  expect(explain(refused(address))).toBe(words);
});

test("somebody who listens by now is not said to be out of reach", () => {
  using server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  expect(explain(refused("127.0.0.1", server.port))).toBe("connection refused, or no route to host");
});

test.each([
  [{ code: "ENOTFOUND" }, "host not found"],
  [{ code: "ECONNREFUSED" }, "connection refused"],
  [{ code: "ESOMETHING" }, "ESOMETHING"],
  [{}, "whatever"],
])("%j is told in the system's words, as far as they are known", (properties, words) => {
  expect(explain(Object.assign(new Error("whatever"), properties))).toBe(words);
});

test.each([
  ["10.77.0.11", "0a4d000b"],
  ["::", "00".repeat(16)],
  ["2001:db8::1:2", "20010db8000000000000000000010002"],
  ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
  ["::ffff:10.0.0.1", undefined],
  ["fe80::1%eth0", undefined],
])("%s is written for the bytes %s", (address, bytes) => {
  expect(addressBytes(address)?.toHex()).toBe(bytes as string);
});
