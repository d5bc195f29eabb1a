import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ErrorName } from "../../src/base/failure.ts";
import { connect, listenTcp, listenUnix } from "../../src/wire/sockets.ts";
import type { Transport } from "../../src/wire/transport.ts";
import { allWorlds } from "./worlds.ts";

/** A transport's user that remembers. */
function user(transport: Transport) {
  let bytes = 0;
  let enough: { size: number; resolve: () => void } | undefined;
  let onDrained: () => void = () => {};
  const closes: string[] = [];
  const closed = Promise.withResolvers<string>();
  transport.start({
    data: (chunk) => {
      bytes += chunk.length;
      if (enough && bytes >= enough.size) enough.resolve();
    },
    drained: () => onDrained(),
    closed: (reason) => {
      closes.push(reason);
      closed.resolve(reason);
    },
  });
  return {
    transport,
    closes,
    closed: closed.promise,
    get bytes() {
      return bytes;
    },
    received: (size: number) =>
      new Promise<void>((resolve) => {
        enough = { size, resolve };
        if (bytes >= size) resolve();
      }),
    drained: () =>
      new Promise<void>((resolve) => {
        onDrained = resolve;
      }),
  };
}

for (const world of await allWorlds()) {
  describe(world.name, () => {
    const open = async () => (await world.open()).map(user) as [ReturnType<typeof user>, ReturnType<typeof user>];

    test("bytes arrive, in both directions, and each write is drained", async () => {
      const [near, far] = await open();
      const drained = near.drained();
      near.transport.write(new Uint8Array(300_000));
      far.transport.write(new Uint8Array(10));
      await Promise.all([far.received(300_000), near.received(10), drained]);
      expect(near.transport.queuedBytes).toBe(0);
      const again = near.drained();
      near.transport.write(new Uint8Array(1));
      await again;
      near.transport.close();
      await far.closed;
    });

    test("a peer on this host is known for one by both sides", async () => {
      const [near, far] = await world.open();
      expect([near.local, far.local]).toEqual(world.name === "memory" ? [false, false] : [true, true]);
      for (const end of [near, far]) end.abort();
    });

    test("what a paused peer does not read is queued, and leaves when it reads", async () => {
      const [near, far] = await open();
      far.transport.pause();
      near.transport.write(new Uint8Array(20_000_000));
      for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
      expect(near.transport.queuedBytes).toBeGreaterThan(1_000_000);
      expect(far.bytes).toBeLessThan(1_000_000);
      const drained = near.drained();
      far.transport.resume();
      await Promise.all([drained, far.received(20_000_000)]);
      expect(near.transport.queuedBytes).toBe(0);
      near.transport.close();
      await far.closed;
    });

    test("what was written is the writer's again, whether it has left or not", async () => {
      const [near, far] = await world.open();
      let wrong = 0;
      let missing = 3_000_000;
      const arrived = Promise.withResolvers<void>();
      const data = (chunk: Uint8Array) => {
        for (const byte of chunk) if (byte !== 1) wrong++;
        missing -= chunk.length;
        if (missing === 0) arrived.resolve();
      };
      far.start({ data, drained() {}, closed() {} });
      near.start({ data() {}, drained() {}, closed() {} });
      const bytes = new Uint8Array(1_000_000);
      for (let round = 0; round < 3; round++) {
        near.write(bytes.fill(1));
        bytes.fill(2);
      }
      await arrived.promise;
      expect(wrong).toBe(0);
      near.close();
    });

    test("close sends what is queued before; the end is told to both, once", async () => {
      const [near, far] = await open();
      near.transport.write(new Uint8Array(2_000_000));
      near.transport.close();
      near.transport.close();
      expect(await far.closed).toBe("connection lost");
      expect(far.bytes).toBe(2_000_000);
      far.transport.close();
      await near.closed;
      expect([near.closes.length, far.closes.length]).toEqual([1, 1]);
    });

    test("nothing is delivered after the own close", async () => {
      const [near, far] = await open();
      far.transport.write(new Uint8Array(1_000_000));
      near.transport.close();
      await Promise.all([near.closed, far.closed]);
      expect(near.bytes).toBe(0);
    });

    test.each(["near", "far"])("what came before the %s end wanted to hear it is kept", async (late) => {
      const [near, far] = await world.open();
      const teller = user(late === "near" ? far : near);
      teller.transport.write(new Uint8Array(1000));
      for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
      const listener = user(late === "near" ? near : far);
      await listener.received(1000);
      listener.transport.close();
      await teller.closed;
    });

    test("close does not wait for ever for a peer that does not read", async () => {
      const [near, far] = await open();
      far.transport.pause();
      near.transport.write(new Uint8Array(20_000_000));
      near.transport.close();
      await near.closed;
      far.transport.abort();
    });

    test("abort drops what is queued and does not wait for the peer", async () => {
      const [near, far] = await open();
      far.transport.pause();
      near.transport.write(new Uint8Array(20_000_000));
      near.transport.abort();
      await near.closed;
      far.transport.resume();
      expect(await far.closed).toStartWith("connection lost");
      expect(far.bytes).toBeLessThan(20_000_000);
    });
  });
}

describe("sockets", () => {
  const folder = mkdtempSync(join(tmpdir(), "bluechi-wire-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("a port in use is said to be", async () => {
    const listener = await listenTcp(
      0,
      () => ({}),
      () => {},
    );
    const message = `cannot listen on port ${listener.port}: address already in use`;
    await expect(
      listenTcp(
        listener.port,
        () => ({}),
        () => {},
      ),
    ).rejects.toMatchObject({
      errorName: ErrorName.AddressInUse,
      message,
    });
    listener.close();
  });

  test("nobody at an address is said to be", async () => {
    const listener = await listenTcp(
      0,
      () => ({}),
      () => {},
    );
    const { port } = listener;
    listener.close();
    await expect(connect({ kind: "tcp", host: "127.0.0.1", port })).rejects.toMatchObject({
      errorName: ErrorName.Failed,
      message: `cannot connect to tcp:host=127.0.0.1,port=${port}: connection refused`,
    });
    await expect(connect({ kind: "unix", path: join(folder, "nobody") })).rejects.toMatchObject({
      message: `cannot connect to unix:path=${join(folder, "nobody").replaceAll(" ", "%20")}: no such file or directory`,
    });
  });

  test("a socket file that nobody answers at is replaced, one in use and another file are not", async () => {
    const path = join(folder, "stale");
    const leave = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    Bun.spawnSync([process.execPath, "-e", leave]);
    expect(existsSync(path)).toBe(true);
    const listener = await listenUnix(path, () => {});
    await expect(listenUnix(path, () => {})).rejects.toMatchObject({ errorName: ErrorName.AddressInUse });
    (await connect({ kind: "unix", path })).abort();
    listener.close();
    const file = join(folder, "file");
    writeFileSync(file, "");
    await expect(listenUnix(file, () => {})).rejects.toMatchObject({ errorName: ErrorName.AddressInUse });
    expect(existsSync(file)).toBe(true);
  });

  test("a unix socket is for this user and root alone, and tells who has come", async () => {
    const path = join(folder, "private");
    const at = Promise.withResolvers<Transport>();
    const listener = await listenUnix(path, (transport) => at.resolve(transport));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const near = await connect({ kind: "unix", path });
    const far = await at.promise;
    const own = { uid: process.getuid?.(), gids: [...new Set([process.getgid?.(), ...(process.getgroups?.() ?? [])])] };
    const { uid, gids = [] } = far.credentials?.() ?? {};
    expect({ uid, gids: [...new Set(gids)] }).toEqual(own as never);
    near.abort();
    far.abort();
    listener.close();
  });

  test("connections are counted as long as they have a descriptor", async () => {
    const at = Promise.withResolvers<Transport>();
    const listener = await listenTcp(
      0,
      () => ({}),
      (transport) => at.resolve(transport),
    );
    const near = user(await connect({ kind: "tcp", host: "127.0.0.1", port: listener.port }));
    const far = user(await at.promise);
    expect(listener.connections).toBe(1);
    near.transport.close();
    await Promise.all([near.closed, far.closed]);
    while (listener.connections > 0) await new Promise(setImmediate);
    listener.close();
  });

  test("what nobody expected in a handler ends the process, not the connection", async () => {
    const script = `
      const { connect, listenUnix } = await import(${JSON.stringify(join(import.meta.dir, "../../src/wire/sockets.ts"))});
      const path = ${JSON.stringify(join(folder, "broken"))};
      await listenUnix(path, (transport) => {
        const closed = (reason) => console.log(reason);
        transport.start({ data: () => { throw new Error("a broken invariant"); }, drained() {}, closed });
      });
      (await connect({ kind: "unix", path })).write(new Uint8Array(1));`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdio: ["ignore", "pipe", "pipe"] });
    expect(await child.exited).toBe(1);
    expect(await child.stdout.text()).toBe("");
    expect(await child.stderr.text()).toContain("a broken invariant");
  });

  test("an inherited socket is listened on, as systemd hands one over", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
    const script = `
      const { listenFd } = await import(${JSON.stringify(join(import.meta.dir, "../../src/wire/sockets.ts"))});
      await listenFd(3, () => ({}), (transport) => {
        transport.start({ data: (chunk) => transport.write(chunk), drained() {}, closed: () => process.exit(0) });
      });
      console.log("listening");`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdio: ["ignore", "pipe", "inherit", fd] });
    await child.stdout.getReader().read();
    // Only the child takes connections from here on.
    server.close();
    const echo = user(await connect({ kind: "tcp", host: "127.0.0.1", port }));
    echo.transport.write(new Uint8Array(100));
    await echo.received(100);
    echo.transport.close();
    expect(await child.exited).toBe(0);
  });
});

test("a connection over TCP that was reset before it was taken is not taken for one of this host", async () => {
  const peers: string[] = [];
  const taken = Promise.withResolvers<void>();
  const listener = await listenTcp(
    0,
    () => ({}),
    ({ peer }) => {
      peers.push(peer);
      taken.resolve();
    },
  );
  // While this process waits, its loop takes nobody.
  const { exitCode } = Bun.spawnSync(["/usr/bin/env", "python3", "-c", resets, String(listener.port)]);
  expect(exitCode).toBe(0);
  const living = await connect({ kind: "tcp", host: "127.0.0.1", port: listener.port });
  await taken.promise;
  expect(peers).toEqual([expect.stringContaining("127.0.0.1")]);
  living.abort();
  listener.close();
});

/** Connects three times, and resets each connection. */
const resets = `
import socket, struct, sys
for _ in range(3):
    peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
`;
