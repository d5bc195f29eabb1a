import { expect, test } from "bun:test";
import type { BusConnection } from "./connection.ts";
import { Emitter, LastBody } from "./emitter.ts";
import { decodeBody } from "./unmarshal.ts";

const types = { node: "s", count: "u" };

test("what several objects tell is encoded once, and each new value anew", () => {
  const sent: [destination: string, body: Uint8Array][] = [];
  const connection = {
    signalTo: (destination: string, _header: Uint8Array, body: Uint8Array) => void sent.push([destination, body]),
  } as unknown as BusConnection;
  const last = new LastBody();
  const emitter = (path: string) => new Emitter(connection, { path, interface: "a.b", member: "Said" }, types, last);
  const [one, other] = [emitter("/1"), emitter("/2")];
  one.emit({ node: "pi", count: 1 }, [":1.1", ":1.2"]);
  other.emit({ node: "pi", count: 1 }, [":1.3"]);
  other.emit({ node: "pi", count: 2 }, [":1.3"]);
  one.emit({ node: "pi", count: 1 }, [":1.1"]);
  expect(sent.map(([destination]) => destination)).toEqual([":1.1", ":1.2", ":1.3", ":1.3", ":1.1"]);
  const values = sent.map(([, bytes]) => decodeBody({ signature: "su", bytes })[1]);
  expect(values).toEqual([1, 1, 1, 2, 1]);
  expect(new Set(sent.map(([, body]) => body)).size).toBe(3);
});
