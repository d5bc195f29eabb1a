import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAddress } from "./address.ts";
import type { OpenOptions } from "./calls.ts";
import { BusConnection } from "./connection.ts";
import { encodeHeader, type Message, MessageReader, MessageType } from "./message.ts";

/** A connection to a peer of a test's own, that authenticates whom it gets and then does as it is told. */
export async function testPeer(then: (socket: Socket) => void, options: OpenOptions = {}): Promise<BusConnection> {
  const path = join(tmpdir(), `bluechi-peer-${process.pid}-${Math.random().toString(36).slice(2)}`);
  const server = createServer((socket) => {
    // A test may close its end while the peer still sends.
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write("OK 00\r\n");
      then(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const connection = await BusConnection.open(`unix:path=${path}`, { peerToPeer: true, ...options });
  server.close();
  return connection;
}

/** An authenticated socket of a test's own, that says nothing by itself. */
export async function rawClient(address: string): Promise<Socket> {
  const socket = connect(parseAddress(address)[0] as { path: string });
  const uid = Buffer.from(String(process.getuid?.())).toString("hex");
  socket.write(`\0AUTH EXTERNAL ${uid}\r\nBEGIN\r\n`);
  await new Promise((resolve) => socket.once("data", resolve));
  return socket;
}

/** What a peer has to do to answer each call that it gets by what `answer` returns, if anything. */
export function answering(answer: (call: Message) => Partial<Message> | undefined): (socket: Socket) => void {
  return (socket) => {
    const reader = new MessageReader();
    socket.on("data", (chunk: Uint8Array) => {
      reader.push(chunk);
      for (let call = reader.next(); call; call = reader.next()) {
        const message = answer(call);
        if (message) send(socket, { type: MessageType.methodReturn, replySerial: call.serial, ...message });
      }
    });
  };
}

/** Sends a message as a peer. */
export function send(socket: Socket, message: Partial<Message> & { readonly type: number }): void {
  socket.write(encodeHeader({ serial: 1, ...message }));
  if (message.body) socket.write(message.body.bytes);
}
