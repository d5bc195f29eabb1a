import { expect, test } from "bun:test";
import { escapeAddress, parseAddress, systemBusAddress, userBusAddress } from "./address.ts";

test("an address names places in the order to try them", () => {
  expect(
    parseAddress("unix:path=/run/bus,guid=00;tcp:host=::1,port=55,family=ipv6;tcp:port=1;nonce-tcp:host=a"),
  ).toEqual([{ path: "/run/bus" }, { host: "::1", port: 55, family: 6 }, { host: "localhost", port: 1, family: 0 }]);
  expect(parseAddress("unix:abstract=/tmp/a")).toEqual([{ path: "\0/tmp/a" }]);
});

test("values are escaped and unescaped byte by byte", () => {
  for (const path of ["/run/a b,c;d=e%", "/tmp/ä", "/plain/path-1.2"]) {
    expect(parseAddress(`unix:path=${escapeAddress(path)}`)).toEqual([{ path }]);
  }
  expect(escapeAddress("/a b")).toBe("/a%20b");
});

test("malformed addresses are refused", () => {
  for (const address of [
    "",
    "garbage",
    "unix:",
    "unix:path",
    "unix:path=%zz",
    "tcp:host=a",
    "tcp:host=a,port=80000",
    "x:y=z",
  ])
    expect(() => parseAddress(address), address).toThrow("invalid bus address");
});

test("the environment says where the buses are", () => {
  expect(systemBusAddress({ DBUS_SYSTEM_BUS_ADDRESS: "unix:path=/x" })).toBe("unix:path=/x");
  expect(systemBusAddress({})).toEqual(
    "unix:path=/run/dbus/system_bus_socket;unix:path=/var/run/dbus/system_bus_socket",
  );
  expect(userBusAddress({ DBUS_SESSION_BUS_ADDRESS: "unix:path=/y", XDG_RUNTIME_DIR: "/run/user/1" })).toBe(
    "unix:path=/y",
  );
  expect(userBusAddress({ XDG_RUNTIME_DIR: "/run/user/1" })).toBe("unix:path=/run/user/1/bus");
  expect(() => userBusAddress({})).toThrow("cannot find the user bus");
});
