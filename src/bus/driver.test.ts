import { expect, test } from "bun:test";
import { ErrorName } from "../base/failure.ts";
import { followOwner } from "./driver.ts";
import { encodeBody } from "./marshal.ts";
import { encodeHeader, type Message, MessageReader, MessageType } from "./message.ts";
import { testPeer } from "./test-peer.ts";

const bus = "org.freedesktop.DBus";

test("an owner who comes right behind the answer that there is none is not forgotten for that answer", async () => {
  const bytes = (message: Partial<Message> & { readonly type: number }) =>
    Buffer.concat([encodeHeader({ serial: 1, sender: bus, ...message }), message.body?.bytes ?? Buffer.alloc(0)]);
  const connection = await testPeer((socket) => {
    const reader = new MessageReader();
    socket.on("data", (chunk: Uint8Array) => {
      reader.push(chunk);
      for (let call = reader.next(); call; call = reader.next()) {
        const replySerial = call.serial;
        if (call.member !== "GetNameOwner") {
          socket.write(bytes({ type: MessageType.methodReturn, replySerial }));
          continue;
        }
        const body = encodeBody("sss", ["a.b", "", ":1.7"]);
        const signal = { path: "/org/freedesktop/DBus", interface: bus, member: "NameOwnerChanged", body };
        // In one piece, so that they arrive together.
        socket.write(
          Buffer.concat([
            bytes({ type: MessageType.error, replySerial, errorName: ErrorName.NameHasNoOwner }),
            bytes({ type: MessageType.signal, ...signal }),
          ]),
        );
      }
    });
  });
  const owners: string[] = [];
  await followOwner(connection, "a.b", (owner) => void owners.push(owner));
  expect(owners.at(-1)).toBe(":1.7");
  connection.close();
});
