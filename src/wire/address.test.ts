import { expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import { type Address, formatAddress, parseAddress } from "./address.ts";

const good: [text: string, address: Address, formatted?: string][] = [
  ["tcp:host=10.0.0.1,port=842", { kind: "tcp", host: "10.0.0.1", port: 842 }],
  [
    "tcp:port=842,host=main.example",
    { kind: "tcp", host: "main.example", port: 842 },
    "tcp:host=main.example,port=842",
  ],
  ["tcp:host=fe80::1,port=1", { kind: "tcp", host: "fe80::1", port: 1 }, "tcp:host=fe80%3a%3a1,port=1"],
  [
    "tcp:host=fe80%3a%3A1%25eth0,port=65535",
    { kind: "tcp", host: "fe80::1%eth0", port: 65535 },
    "tcp:host=fe80%3a%3a1%25eth0,port=65535",
  ],
  ["tls:host=10.0.0.1,port=843", { kind: "tls", host: "10.0.0.1", port: 843 }],
  ["unix:path=/run/bluechi/bluechi.sock", { kind: "unix", path: "/run/bluechi/bluechi.sock" }],
  ["unix:path=/a%20b%2cc", { kind: "unix", path: "/a b,c" }],
];

test.each(good)("%s", (text, address, formatted = text) => {
  expect(parseAddress(text)).toEqual(address);
  expect(formatAddress(address)).toBe(formatted);
  expect(parseAddress(formatted)).toEqual(address);
});

test.each([
  "",
  "tcp",
  "tcp:",
  "tcp:host=a",
  "tcp:port=1",
  "tcp:host=,port=1",
  "tcp:host=a,port=0",
  "tcp:host=a,port=65536",
  "tcp:host=a,port=-1",
  "tcp:host=a,port=1x",
  "tcp:host=a,host=b,port=1",
  "tcp:host=a,port=1,family=ipv4",
  "tcp:host=a,port=1;tcp:host=b,port=1",
  "tls:host=a",
  "tls:path=/a",
  "unix:",
  "unix:path=",
  "unix:path=%zz",
  "unix:path=%00",
  "unix:path=%ff",
  "unix:abstract=x",
  "unix:path=/a=b",
  "vsock:cid=1",
  "__proto__:path=/",
])("%p is refused", (text) => {
  expect(() => parseAddress(text)).toThrow(Failure);
});
