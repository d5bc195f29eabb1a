// A client of D-Bus that costs next to nothing, so that what is measured is what it asks: its messages are prepared
// before, and of what arrives it reads the header's fixed part and the serial that is answered. It answers a Ping, as every
// program on a bus does: who does not is taken for one that reads nothing.
import type { Socket } from "bun";
import { type Body, emptyBody } from "../../src/base/body.ts";
import type { Call } from "../../src/bus/calls.ts";
import { alignUp } from "../../src/bus/layout.ts";
import { encodeBody } from "../../src/bus/marshal.ts";
import { encodeHeader, MessageReader, MessageType } from "../../src/bus/message.ts";

/** Calls that wait for replies at once; a system bus allows 128 to a connection. Further ones queue. */
const maxWaiting = 100;
const fixedHeader = 16;
/** Where the serial is in a message, and the number of the field with the one that is answered. */
const serialAt = 8;
const replySerialField = 5;

const busName = "org.freedesktop.DBus";
const askBus = (member: string, body: Body) =>
  prepare({ destination: busName, path: "/org/freedesktop/DBus", interface: busName, member, body });

/** The bytes of a call, to be sent any number of times. */
export function prepare({ body = emptyBody, ...call }: Call): Uint8Array {
  const header = encodeHeader({ type: MessageType.methodCall, serial: 1, body, ...call });
  return Buffer.concat([header, body.bytes]);
}

interface Question {
  readonly message: Uint8Array;
  resolve(reply: Buffer): void;
  reject(error: Error): void;
}

/** Where to connect: a path, or what is connected already. */
interface Place {
  readonly unix: string;
  readonly fd: number;
}

export class Caller {
  /** Hears every signal that arrives, as a whole message. */
  onSignal: (message: Buffer) => void = () => {};
  #socket: Socket | undefined;
  /** Resolves when the other side takes messages. */
  readonly #open = Promise.withResolvers<void>();
  #authenticated = false;
  #gone: Error | undefined;
  readonly #waiting = new Map<number, Question>();
  readonly #queue: Question[] = [];
  #out: Uint8Array[] = [];
  #stuck = false;
  #serial = 0;
  #chunks: Buffer[] = [];
  #held = 0;
  #needed = fixedHeader;

  private constructor() {}

  /** Connects to a bus. */
  static async toBus(unix: string): Promise<Caller> {
    const caller = await Caller.#connect({ unix });
    await caller.call(askBus("Hello", emptyBody));
    return caller;
  }

  /** Uses a connection to a program that speaks D-Bus itself. */
  static toPeer(fd: number): Promise<Caller> {
    return Caller.#connect({ fd });
  }

  static async #connect(place: Partial<Place>): Promise<Caller> {
    const caller = new Caller();
    const socket = {
      data: (_: Socket, chunk: Buffer) => caller.#receive(chunk),
      drain: () => caller.#drained(),
      close: () => caller.#closed(),
      error: () => caller.#closed(),
    };
    caller.#socket = await Bun.connect({ ...(place as Place), socket });
    // All that is said before messages: we are root (D-Bus specification, "Authentication Protocol").
    caller.#socket.write(`\0AUTH EXTERNAL ${Buffer.from("0").toString("hex")}\r\nBEGIN\r\n`);
    await caller.#open.promise;
    return caller;
  }

  /** Sends a prepared call. @returns the reply, as a whole message. @throws Error with the text of an error. */
  call(message: Uint8Array): Promise<Buffer> {
    if (this.#gone) return Promise.reject(this.#gone);
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    this.#queue.push({ message, resolve, reject });
    this.#send();
    return promise;
  }

  /** Asks the bus for the signals that a rule matches (D-Bus specification, "Match Rules"). */
  async match(rule: string): Promise<void> {
    await this.call(askBus("AddMatch", encodeBody("s", [rule])));
  }

  close(): void {
    this.#socket?.end();
  }

  #closed(): void {
    const gone = new Error("the connection is closed");
    this.#gone = gone;
    this.#open.reject(gone);
    for (const { reject } of [...this.#waiting.values(), ...this.#queue.splice(0)]) reject(gone);
    this.#waiting.clear();
  }

  /** All that is sent in one turn of the loop leaves in one write. */
  #send(): void {
    while (this.#waiting.size < maxWaiting) {
      const question = this.#queue.shift();
      if (!question) return;
      const message = Buffer.from(question.message);
      message.writeUInt32LE(++this.#serial, serialAt);
      this.#waiting.set(this.#serial, question);
      this.#put(message);
    }
  }

  #put(message: Uint8Array): void {
    if (this.#out.push(message) === 1 && !this.#stuck) queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#out);
    const taken = this.#socket?.write(bytes) ?? 0;
    this.#stuck = taken < bytes.length;
    this.#out = this.#stuck ? [bytes.subarray(Math.max(0, taken))] : [];
  }

  #drained(): void {
    this.#stuck = false;
    if (this.#out.length > 0) this.#flush();
  }

  #receive(chunk: Buffer): void {
    if (this.#authenticated) this.#messages(chunk);
    else this.#welcomed(chunk.toString());
  }

  /** "OK" and an id; nothing else comes before our first message. */
  #welcomed(line: string): void {
    this.#authenticated = line.startsWith("OK ");
    if (this.#authenticated) this.#open.resolve();
    else this.#open.reject(new Error(`it refused to authenticate us: ${line}`));
  }

  #messages(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    if (this.#held < this.#needed) return;
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    let at = 0;
    for (;;) {
      const left = bytes.length - at;
      this.#needed = left < fixedHeader ? fixedHeader : bodyAt(bytes, at) + bytes.readUInt32LE(at + 4);
      if (left < this.#needed) break;
      this.#dispatch(bytes.subarray(at, at + this.#needed));
      at += this.#needed;
    }
    this.#chunks = [bytes.subarray(at)];
    this.#held = bytes.length - at;
  }

  #dispatch(message: Buffer): void {
    if (message[1] === MessageType.signal) this.onSignal(message);
    else if (message[1] === MessageType.methodCall) this.#pong(message);
    else this.#answered(replySerial(message), message);
  }

  /** Nobody calls us but by Ping, a MiB of signals apart: all before it have been heard. */
  #pong(ping: Buffer): void {
    const reader = new MessageReader();
    reader.push(ping);
    const { sender: destination = "", serial: replySerial = 0 } = reader.next() ?? {};
    this.#put(encodeHeader({ type: MessageType.methodReturn, serial: ++this.#serial, destination, replySerial }));
  }

  #answered(serial: number, message: Buffer): void {
    const question = this.#waiting.get(serial);
    if (!question) return;
    this.#waiting.delete(serial);
    this.#send();
    if (message[1] === MessageType.error) question.reject(new Error(bodyOf(message, "s").bytes.toString().slice(4)));
    else question.resolve(message);
  }
}

/** The body of a message that arrived, whose signature is known. */
export function bodyOf(message: Buffer, signature: string): Body & { readonly bytes: Buffer } {
  return { signature, bytes: message.subarray(bodyAt(message)) };
}

/** How far a message's body is from its beginning. */
function bodyAt(bytes: Buffer, at = 0): number {
  return fixedHeader + alignUp(bytes.readUInt32LE(at + 12), 8);
}

function replySerial(message: Buffer): number {
  const end = fixedHeader + message.readUInt32LE(12);
  let at = fixedHeader;
  while (at < end) {
    at = alignUp(at, 8);
    const field = message[at];
    // A field is its number, the length of its signature, which is 1 in all that there are, the signature, and a zero.
    const type = String.fromCharCode(message[at + 2] ?? 0);
    at += 4;
    if (field === replySerialField) return message.readUInt32LE(at);
    if (type === "u") at += 4;
    else if (type === "g") at += (message[at] ?? 0) + 2;
    else at += message.readUInt32LE(at) + 5;
  }
  return 0;
}
