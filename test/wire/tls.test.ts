// What a peer can do to the port with TLS, and what the library lets it do: before its handshake is over it is a stranger.
import { afterAll, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { connect as connectPlainly, createServer, type Socket } from "node:net";
import { connect as connectWithTls } from "node:tls";
import { ErrorName, Failure } from "../../src/base/failure.ts";
import { FakeClock } from "../../src/base/fake-clock.ts";
import { Log } from "../../src/base/log.ts";
import { Acceptor, join } from "../../src/wire/handshake.ts";
import { helloTimeoutMs } from "../../src/wire/hello.ts";
import { connect, listenTcp } from "../../src/wire/sockets.ts";
import { connectTls, listenTls, type TlsCredentials } from "../../src/wire/tls-sockets.ts";
import type { Transport } from "../../src/wire/transport.ts";
import { makeCredentials } from "./credentials.ts";
import { handlersOf } from "./handlers.ts";

const ours = makeCredentials();
const theirs = makeCredentials();

/** What came of each connection, in order. */
const arrived: Guest[] = [];
let onArrival: () => void = () => {};

class Guest {
  readonly transport: Transport;
  readonly ended: Promise<string>;
  said = "";

  constructor(transport: Transport) {
    this.transport = transport;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.ended = promise;
    transport.start({
      data: (chunk) => {
        this.said += Buffer.from(chunk);
        transport.write(chunk);
      },
      drained: () => {},
      closed: resolve,
    });
  }
}

const listener = await listenTls(
  0,
  ours.controller,
  () => ({}),
  (transport) => {
    arrived.push(new Guest(transport));
    onArrival();
  },
);
afterAll(() => listener.close());
const address = { kind: "tls", host: "127.0.0.1", port: listener.port } as const;

const anybody = { check: () => {} };
const asNode = { ...anybody, credentials: ours.node };

/** The next one to come in. */
const next = () =>
  new Promise<Guest>((resolve) => {
    onArrival = () => resolve(arrived.at(-1)!);
  });

/** Says something, and waits until it has come back. */
async function echo(transport: Transport, words: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let heard = "";
    transport.start({
      data: (chunk) => {
        heard += Buffer.from(chunk);
        if (heard === words) resolve();
      },
      drained: () => {},
      closed: (reason) => reject(new Error(reason)),
    });
    transport.write(Buffer.from(words));
  });
}

/** A peer that writes what it likes under TLS, or instead of it. */
async function stranger(): Promise<{ socket: Socket; guest: Guest; ended: Promise<void> }> {
  const coming = next();
  const socket = connectPlainly(listener.port, "127.0.0.1").on("error", () => {});
  socket.resume();
  const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  return { socket, guest: await coming, ended };
}

const nameOf = (der: Uint8Array | undefined) => der && new X509Certificate(der).subject;

test("both sides see the other's certificate, and the client who has issued it", async () => {
  const coming = next();
  let chain: (string | undefined)[] = [];
  const transport = await connectTls(address, {
    credentials: ours.node,
    check: (shown) => {
      chain = shown.map(nameOf);
    },
  });
  await echo(transport, "hello");
  expect(chain).toEqual(["CN=controller", "CN=cluster"]);
  const guest = await coming;
  expect([nameOf(transport.certificate?.()), nameOf(guest.transport.certificate?.())]).toEqual([
    "CN=controller",
    "CN=node",
  ]);
  expect([transport.secure, guest.transport.secure]).toEqual([true, true]);
  transport.close();
  expect(await guest.ended).toBe("connection lost");
});

test("a peer without a certificate, and one of another authority, come in, with what they have shown", async () => {
  for (const [credentials, shown] of [
    [undefined, undefined],
    [theirs.node, theirs.node],
  ] as const) {
    const coming = next();
    const authorities = ours.node.authorities;
    const transport = await connectTls(address, {
      ...anybody,
      ...(credentials && { credentials: { ...credentials, authorities } }),
    });
    await echo(transport, "hello");
    const der = (await coming).transport.certificate?.();
    expect(der && Buffer.from(der)).toEqual(shown && new X509Certificate(shown.certificate).raw);
    transport.abort();
  }
});

test("the client leaves a peer of another authority, and one that is not who is wanted, before it has said a word", async () => {
  for (const [wrong, message] of [
    [{ ...asNode, credentials: theirs.node }, "the peer's certificate is not trusted: "],
    [
      {
        ...asNode,
        check: () => {
          throw new Failure(ErrorName.AccessDenied, "not the one");
        },
      },
      "not the one",
    ],
  ] as const) {
    const coming = next();
    const joining = connectTls(address, wrong);
    const refused = expect(joining).rejects.toMatchObject({ errorName: ErrorName.AccessDenied });
    const guest = await coming;
    await refused;
    await expect(joining).rejects.toThrow(message);
    await guest.ended;
    expect(guest.said).toBe("");
  }
});

test("renewed credentials count for those who come then; who is there stays", async () => {
  const coming = next();
  const before = await connectTls(address, asNode);
  await coming;
  const renewed: TlsCredentials = {
    ...theirs.controller,
    authorities: [...theirs.controller.authorities, ...ours.controller.authorities],
  };
  listener.renew(renewed);
  await expect(connectTls(address, asNode)).rejects.toThrow("not trusted");
  const after = await connectTls(address, { ...anybody, credentials: theirs.node });
  await Promise.all([echo(before, "before"), echo(after, "after")]);
  expect(() => listener.renew({ ...ours.controller, key: theirs.controller.key })).toThrow();
  listener.renew(ours.controller);
  await echo(await connectTls(address, asNode), "again");
  before.abort();
  after.abort();
});

const foreign = "connection lost: the peer speaks no TLS ";
const record = (type: number, payload: Uint8Array) =>
  Buffer.concat([Buffer.of(type, 3, 1, payload.length >> 8, payload.length & 255), payload]);
/** A ClientHello that announces so many bytes, and has so many. */
const clientHello = (announced: number, size: number) =>
  record(
    22,
    Buffer.concat([Buffer.of(1, announced >> 16, (announced >> 8) & 255, announced & 255), Buffer.alloc(size)]),
  );
const tooMuch = "more than 8192 bytes before the end of the TLS handshake";

test.each<[what: string, bytes: Buffer, reason: string]>([
  ["HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n"), `${foreign}(http request)`],
  ["a hello without TLS", Buffer.from("1400000007626c756563686901000470", "hex"), `${foreign}(wrong version number)`],
  [
    "records without end and content",
    Buffer.concat(Array(1000).fill(record(22, Buffer.of()))),
    `${foreign}(too many empty fragments)`,
  ],
  ["a ClientHello that is none", clientHello(100, 100), "connection lost: TLS failed: "],
  [
    "a ClientHello that is larger than any",
    clientHello(200_000, 100),
    "connection lost: TLS failed: excessive message size",
  ],
  ["a large ClientHello", clientHello(16_000, 9000), tooMuch],
  [
    "a larger one, as the library would take it",
    Buffer.concat([clientHello(90_000, 5000), record(22, Buffer.alloc(5000))]),
    tooMuch,
  ],
])("%s ends a connection", async (_, bytes, reason) => {
  const { socket, guest, ended } = await stranger();
  socket.write(bytes);
  expect(await guest.ended).toStartWith(reason);
  await ended;
  expect(guest.said).toBe("");
});

/** Passes on what it gets, in pieces of one byte each. @returns its port. */
async function slowRelay(): Promise<number> {
  const server = createServer({ noDelay: true }, (near) => {
    const far = connectPlainly({ port: listener.port, host: "127.0.0.1", noDelay: true });
    near.on("data", (chunk) => {
      for (const byte of chunk as Buffer) far.write(Uint8Array.of(byte));
    });
    far.on("data", (chunk) => near.write(chunk));
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on("error", () => {}).on("close", () => other.destroy());
    }
  });
  afterAll(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as { port: number }).port;
}

test("a handshake in single bytes is put together", async () => {
  const transport = await connectTls({ ...address, port: await slowRelay() }, asNode);
  await echo(transport, "hello");
  transport.abort();
});

test("no other version than TLS 1.3 is spoken", async () => {
  const { port, host } = address;
  const socket = connectWithTls({ port, host, rejectUnauthorized: false, maxVersion: "TLSv1.2" });
  const error = await new Promise<Error>((resolve) => socket.on("error", resolve));
  expect(error.message).toMatch(/PROTOCOL_VERSION|disconnected/);
});

test("nobody is given what would let him resume", async () => {
  const coming = next();
  const client = Bun.spawn(["openssl", "s_client", "-connect", `127.0.0.1:${listener.port}`, "-msg"], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  client.stdin.write("hello\n");
  await client.stdin.flush();
  const guest = await coming;
  let heard = "";
  for await (const chunk of client.stdout) {
    heard += Buffer.from(chunk);
    // What it has said comes back last.
    if (/^hello$/m.test(heard)) break;
  }
  client.kill();
  await guest.ended;
  expect(heard).toContain("TLSv1.3");
  expect(heard).toContain("Finished");
  expect(heard).not.toContain("NewSessionTicket");
});

/** A door whose clock is turned by hand, with what it logs. */
async function door(listen: (onTransport: (transport: Transport) => void) => Promise<{ port: number; close(): void }>) {
  const clock = new FakeClock();
  const lines: string[] = [];
  const log = new Log({ write: (line) => void lines.push(line) });
  let came: () => void = () => {};
  const acceptor = new Acceptor({
    clock,
    log,
    version: "1",
    maxGreeting: 3,
    admit: () => {
      throw new Failure(ErrorName.AccessDenied, "nobody");
    },
  });
  const opened = await listen((transport) => {
    acceptor.accept(transport);
    came();
  });
  afterAll(() => opened.close());
  const peer = async () => {
    const coming = new Promise<void>((resolve) => {
      came = resolve;
    });
    const socket = connectPlainly(opened.port, "127.0.0.1").on("error", () => {});
    socket.resume();
    const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    await coming;
    return { socket, ended };
  };
  return { acceptor, clock, lines, port: opened.port, peer };
}

const secureDoor = () => door((onTransport) => listenTls(0, ours.controller, () => ({}), onTransport));

test("who has not finished its handshake in time, said nothing, or half a record, has to leave", async () => {
  const { acceptor, clock, lines, peer } = await secureDoor();
  const [silent, half] = [await peer(), await peer()];
  half.socket.write(clientHello(1000, 1000).subarray(0, 500));
  expect(acceptor.greeting).toBe(2);
  clock.advance(helloTimeoutMs);
  // Where it was late to look, it looks once more.
  clock.advance(helloTimeoutMs);
  await Promise.all([silent.ended, half.ended]);
  expect(acceptor.greeting).toBe(0);
  acceptor.close();
  expect(lines.join("\n")).toContain("no hello in 5000 ms");
});

test("those whose handshakes are under way are counted at the door: beyond its bound the oldest has to leave", async () => {
  const { acceptor, peer } = await secureDoor();
  const peers = [];
  for (let count = 0; count < 5; count++) peers.push(await peer());
  await Promise.all([peers[0]?.ended, peers[1]?.ended]);
  expect(acceptor.greeting).toBe(3);
  acceptor.close();
  await Promise.all(peers.map(({ ended }) => ended));
});

const greeting = { clock: new FakeClock(), node: "node", version: "1", heartbeat: { intervalMs: 0, thresholdMs: 0 } };
const agent = { ...greeting, handlers: handlersOf("agent", {}), onSession: () => {}, onClose: () => {} };

test("one who speaks plainly to a port with TLS, and one who does the opposite, are told so on both sides", async () => {
  const secure = await secureDoor();
  const plainly = await connect({ kind: "tcp", host: "127.0.0.1", port: secure.port });
  await expect(join(plainly, agent)).rejects.toThrow("it looks like TLS, which is not spoken here");
  secure.acceptor.close();
  expect(secure.lines.join("\n")).toContain("refused: connection lost: the peer speaks no TLS");

  const plain = await door((onTransport) => listenTcp(0, () => ({}), onTransport));
  const attempt = connectTls({ ...address, port: plain.port }, asNode);
  await expect(attempt).rejects.toThrow("ended the connection before TLS was established: is it a port without TLS?");
  plain.acceptor.close();
  expect(plain.lines.join("\n")).toContain("it looks like TLS, which is not spoken here");
});

test("a peer that says nothing is given up", async () => {
  const server = createServer(() => {});
  afterAll(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const message = `cannot connect to tls:host=127.0.0.1,port=${port}: no answer in 50 ms`;
  await expect(connectTls({ ...address, port }, { ...asNode, timeoutMs: 50 })).rejects.toThrow(message);
  const given = new AbortController();
  const attempt = connectTls({ ...address, port }, { ...asNode, signal: given.signal });
  given.abort();
  await expect(attempt).rejects.toThrow("the attempt was given up");
});
