import { expect, test } from "bun:test";
import type { BusConnection } from "./connection.ts";
import { Emitter, LastBody } from "./emitter.ts";
import { addressHeader, signalHeader, stampHeader } from "./headers.ts";
import { encodeBody } from "./marshal.ts";
import { encodeHeader } from "./message.ts";
import { decodeBody } from "./unmarshal.ts";

const types = { node: "s", count: "u" };

test("what several objects tell is encoded once, and each new value anew", () => {
  const sent: [destination: string, body: Uint8Array][] = [];
  const connection = {
    signalBy: (_header: Uint8Array, body: Uint8Array, destination = "") => void sent.push([destination, body]),
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

test("a signal to all who listen has the header that it would have by itself, to some who listen one of their own", () => {
  const sent: Uint8Array[] = [];
  let serial = 0;
  const connection = {
    signalBy(header: Uint8Array, body: Uint8Array) {
      stampHeader(header, ++serial, body.length);
      sent.push(header.slice());
    },
  } as unknown as BusConnection;
  const signal = { path: "/1", interface: "a.b", member: "Said" };
  const emitter = new Emitter(connection, signal, types, new LastBody());
  emitter.emit({ node: "pi", count: 1 });
  emitter.emit({ node: "pi", count: 1 }, [":1.1"]);
  emitter.emit({ node: "a longer name", count: 2 });
  const header = (serial: number, node: string) =>
    encodeHeader({ type: 4, flags: 1, serial, ...signal, body: encodeBody("su", [node, 1]) });
  const addressed = addressHeader(signalHeader({ ...signal, signature: "su" }), ":1.1");
  stampHeader(addressed, 2, encodeBody("su", ["pi", 1]).bytes.length);
  expect(sent).toEqual([header(1, "pi"), addressed, header(3, "a longer name")]);
});
