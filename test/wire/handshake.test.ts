import { describe, expect, test } from "bun:test";
import { ErrorName, Failure } from "../../src/base/failure.ts";
import { FakeClock } from "../../src/base/fake-clock.ts";
import { Log } from "../../src/base/log.ts";
import { usualRate } from "../../src/wire/crowd.ts";
import { Acceptor, type AcceptorOptions, join, probe } from "../../src/wire/handshake.ts";
import { type Hello, helloTimeoutMs } from "../../src/wire/hello.ts";
import { MemoryNetwork } from "../../src/wire/memory.ts";
import type { SessionOwner } from "../../src/wire/session.ts";
import { closeGraceMs } from "../../src/wire/transport.ts";
import { handlersOf } from "./handlers.ts";

// Frames by hand: the length of the payload (3 bytes) and the type, then the payload.
const hello = "14000000" + "07626c7565636869" + "01" + "01" + "046e6f6465" + "04312e302d" /* "1.0-" */;
const frames = {
  hello,
  heartbeat: "00000003",
  unitNew: "02000043" + "0175",
  unknownEvent: "0200007f" + "0175",
  unknownRequest: "010000ff" + "05",
  wrongSide: "02000090" + "0100",
  eventAsRequest: "020000c3" + "0100",
  goodbye: "04000006" + "03627965",
  displaced: "05000006" + "03627965" + "01",
  probe: hello.replace(/00076/, "07076"),
};
const maxGreeting = 200;
const welcome = "06000001" + "01" + "01" + "02" + "3276" + "00";

function door(admit?: AcceptorOptions["admit"], crowded = () => false) {
  const network = new MemoryNetwork({ seed: 3 });
  const clock = new FakeClock();
  const lines: string[] = [];
  const log = new Log({ write: (line) => void lines.push(line.split(": ").slice(1).join(": ").trim()) });
  const seen: unknown[] = [];
  const owner: SessionOwner<"controller"> = {
    handlers: handlersOf("controller", { unitNew: ({ unit }) => void seen.push(`new ${unit}`) }),
    heartbeat: { intervalMs: 0, thresholdMs: 0 },
    onSession: (session) => void seen.push(session.agreement),
    onHeartbeat: () => void seen.push("heartbeat"),
    onClose: (reason, code) => void seen.push(`closed ${reason}${code > 0 ? ` ${code}` : ""}`),
  };
  const acceptor = new Acceptor({ clock, log, version: "2v", admit: admit ?? (() => owner), maxGreeting, crowded });
  network.listen((transport) => acceptor.accept(transport));

  /** A peer that writes bytes by hand. */
  function raw(name = "peer") {
    const transport = network.connect(name);
    const peer = {
      got: "",
      closed: undefined as string | undefined,
      write: (hex: string) => transport.write(Buffer.from(hex, "hex")),
    };
    transport.start({
      data: (chunk) => {
        peer.got += Buffer.from(chunk).toString("hex");
      },
      drained: () => {},
      closed: (reason) => {
        peer.closed = reason;
      },
    });
    return peer;
  }
  return { network, clock, lines, seen, owner, acceptor, raw };
}

// The hello above is from before the interval was told.
const agreement = { protocol: 1, features: 1, peerVersion: "1.0-", heartbeatIntervalMs: 0 };

describe("at the controller's door", () => {
  test("hello is answered with welcome, byte for byte, and the session begins before the next frame", async () => {
    const hellos: Hello[] = [];
    const { network, seen, owner, acceptor, raw } = door((hello) => {
      hellos.push(hello);
      return owner;
    });
    const peer = raw();
    peer.write(frames.hello + frames.unitNew + frames.heartbeat + frames.unknownEvent + frames.unknownRequest);
    await network.settle();
    expect(hellos).toEqual([expect.objectContaining({ protocol: 1, features: 1, node: "node", version: "1.0-" })]);
    expect(seen).toEqual([agreement, "new u", "heartbeat"]);
    const fault = `05${Buffer.from("\x28org.freedesktop.DBus.Error.UnknownMethod\x13Unknown request 127").toString("hex")}`;
    const header = Buffer.of(fault.length / 2, 0, 0, 5).toString("hex");
    expect(peer.got).toBe(welcome + header + fault);
    peer.write(frames.goodbye);
    await network.settle();
    expect(seen.at(-1)).toBe("closed bye");
    expect(peer.closed).toBe("connection lost");
    expect(acceptor.greeting).toBe(0);
  });

  test("a goodbye has a code, which is 0 when it is left out", async () => {
    const { network, seen, raw } = door();
    const peers = [raw(), raw()];
    for (const [index, bytes] of [frames.goodbye, frames.displaced].entries()) {
      peers[index]?.write(frames.hello + bytes);
      await network.settle();
    }
    expect(seen).toEqual([agreement, "closed bye", agreement, "closed bye 1"]);
  });

  test("a probe is answered as a hello would be, and nothing follows", async () => {
    const hellos: Hello[] = [];
    const { network, seen, owner, acceptor, raw } = door((hello) => {
      hellos.push(hello);
      return owner;
    });
    const peer = raw();
    peer.write(frames.probe + frames.unitNew);
    await network.settle();
    expect(hellos).toEqual([expect.objectContaining({ node: "node", probe: true })]);
    expect({ got: peer.got, closed: peer.closed, seen }).toEqual({ got: welcome, closed: "connection lost", seen: [] });
    expect(acceptor.greeting).toBe(0);
  });

  test.each([
    ["another first frame", frames.heartbeat, "malformed frame: the first frame is no hello"],
    ["another magic", frames.hello.replace("626c", "626d"), "malformed frame: the hello is not one of ours"],
    ["half a hello", "0300000007", "connection lost"],
    ["a hello cut short", "03000000076263", "malformed frame: a length exceeds the bytes left"],
    ["an empty hello", "00000000", "malformed frame: the hello is not one of ours"],
    ["a large frame", "01100000", "malformed frame: a frame of 4097 bytes, where 4096 are allowed"],
    [
      "a D-Bus client",
      Buffer.from("\0AUTH EXTERNAL 30\r\n").toString("hex"),
      "malformed frame: a frame of 5587200 bytes, where 4096 are allowed",
    ],
    ["protocol 0", frames.hello.replace("686901", "686900"), "protocol 0 is not spoken here, only 1 and up"],
  ])("%s is refused", async (_what, bytes, reason) => {
    const { network, clock, lines, acceptor, raw } = door();
    const peer = raw();
    peer.write(bytes);
    await network.settle();
    if (reason === "connection lost") network.cut();
    await network.settle();
    expect(lines).toEqual([`Connection from peer refused: ${reason}`]);
    expect(peer.closed).toBe("connection lost");
    expect(acceptor.greeting).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test.each([
    ["a message of our own", frames.wrongSide, "startJob is not the peer's to send as a request"],
    ["an event as a request", frames.eventAsRequest, "unitNew is not the peer's to send as a request"],
    [
      "a compressed frame of another content",
      "07000008" + "03" + "10" + "04" + "6e6f7065",
      "compressed bytes do not unfold to what they should",
    ],
    ["a reserved type", "00000009", "frame type 9 has no place here"],
    ["a second hello", frames.hello, "frame type 0 has no place here"],
    ["an event cut short", "0100004302", "a length exceeds the bytes left"],
    ["a request without a serial", "000000b0", "cut short"],
  ])("%s ends an accepted session", async (_what, bytes, reason) => {
    const { network, seen, raw } = door();
    const peer = raw();
    peer.write(frames.hello + bytes + frames.heartbeat);
    await network.settle();
    expect(seen).toEqual([agreement, `closed malformed frame: ${reason}`]);
    expect(peer.closed).toBe("connection lost");
  });

  test("a compressed frame of a peer that did not say that it has them ends the session", async () => {
    const { network, seen, raw } = door();
    raw().write(`${frames.hello.replace("0101046e", "0100046e")}070000080310046e6f7065`);
    await network.settle();
    expect(seen).toEqual([{ ...agreement, features: 0 }, "closed malformed frame: frame type 8 has no place here"]);
  });

  test("who does not say hello in time has to go, and who said it is let alone", async () => {
    const { network, clock, lines, seen, raw } = door();
    const slow = raw();
    const quick = raw();
    quick.write(frames.hello);
    slow.write(frames.hello.slice(0, 20));
    await network.settle();
    clock.advance(5000);
    await network.settle();
    expect(slow.closed).toBe("connection lost");
    expect(quick.closed).toBeUndefined();
    expect(lines).toEqual(["Connection from peer refused: no hello in 5000 ms"]);
    expect(seen).toEqual([agreement]);
    expect(clock.pending).toBe(0);
  });

  test("a hello that waits because the door is behind is heard, however late, and silence is noticed then", async () => {
    const { network, clock, seen, raw } = door();
    const silent = raw("silent");
    raw().write(frames.hello);
    for (let turn = 0; turn < 3; turn++) {
      clock.oversleep(2 * helloTimeoutMs);
      clock.advance(0);
    }
    await network.settle();
    expect(seen).toEqual([agreement]);
    expect(silent.closed).toBeUndefined();
    clock.advance(1000);
    await network.settle();
    expect(silent.closed).toBe("connection lost");
    expect(clock.pending).toBe(0);
  });

  test("a flood of connections pushes out the oldest, and the newest still gets in", async () => {
    const { network, acceptor, seen, raw } = door();
    const flood = Array.from({ length: maxGreeting + 50 }, () => raw());
    const peer = raw();
    expect(acceptor.greeting).toBe(maxGreeting);
    peer.write(frames.hello);
    await network.settle();
    expect(seen).toEqual([agreement]);
    expect(flood.filter(({ closed }) => closed !== undefined).length).toBe(51);
    acceptor.close();
    await network.settle();
    expect(flood.every(({ closed }) => closed !== undefined)).toBe(true);
    expect(peer.closed).toBeUndefined();
  });

  test("a flood from one address pushes out nobody of another, and fills no log", async () => {
    const { network, acceptor, lines, seen, raw } = door();
    const slow = raw("slow");
    for (let count = 0; count < 3 * maxGreeting; count++) raw("flood");
    expect(acceptor.greeting).toBe(maxGreeting);
    slow.write(frames.hello);
    await network.settle();
    expect(slow.closed).toBeUndefined();
    expect(seen).toEqual([agreement]);
    acceptor.close();
    expect(lines).toEqual([
      "Connection from flood refused: too many connections have not said hello",
      expect.stringMatching(/^Connection from flood refused: shutting down \(the last of 5\d\d more\)$/),
    ]);
  });

  test("an address that comes too often is turned away, and others are not", async () => {
    const { network, clock, acceptor, seen, raw } = door();
    for (let count = 0; count < usualRate.burst; count++) {
      const transport = new MemoryNetwork({ seed: 3 }).pair("flood")[1];
      acceptor.accept(transport);
      transport.abort();
    }
    acceptor.close();
    const late = raw("flood");
    expect(acceptor.greeting).toBe(0);
    raw("other").write(frames.hello);
    clock.advance(1000);
    raw("flood").write(frames.hello);
    await network.settle();
    expect(late.closed).toBe("connection lost");
    expect(seen).toEqual([agreement, agreement]);
  });

  test("without room the newest is refused, and others are let in again later", async () => {
    let crowded = false;
    const { network, acceptor, lines, seen, raw } = door(undefined, () => crowded);
    raw("early").write(frames.hello);
    await network.settle();
    crowded = true;
    const refused = raw("late");
    await network.settle();
    expect(refused.closed).toBe("connection lost");
    expect(acceptor.greeting).toBe(0);
    crowded = false;
    raw("later").write(frames.hello);
    await network.settle();
    expect(seen).toEqual([agreement, agreement]);
    expect(lines).toEqual(["Connection from late refused: there is no room for more connections"]);
  });

  test("who is refused and does not go is at the door until it has been thrown out", async () => {
    const clock = new FakeClock();
    const network = new MemoryNetwork({ seed: 3, clock });
    const admit = () => {
      network.lose("peer");
      throw new Failure(ErrorName.AccessDenied, "Unexpected node name");
    };
    const acceptor = new Acceptor({ clock, version: "2v", admit });
    const [near, far] = network.pair("peer");
    acceptor.accept(far);
    near.write(Buffer.from(frames.hello, "hex"));
    clock.advance(closeGraceMs - 1);
    expect(acceptor.greeting).toBe(1);
    clock.advance(closeGraceMs);
    await network.settle();
    expect(acceptor.greeting).toBe(0);
    expect(clock.pending).toBe(0);
  });
});

describe("an agent that asks", () => {
  const options = () => ({ clock: new FakeClock(), node: "node", version: "1.0-" });

  test("is told whether it would be admitted", async () => {
    const free = door();
    const asked = probe(free.network.connect("node"), options());
    await free.network.settle();
    expect(await asked).toBeUndefined();
    const taken = door(() => {
      throw new Failure(ErrorName.AddressInUse, "another agent is connected as 'node'");
    });
    const refused = probe(taken.network.connect("node"), options()).catch((failure) => failure);
    await taken.network.settle();
    expect(await refused).toEqual(new Failure(ErrorName.AddressInUse, "another agent is connected as 'node'"));
    // It may ask often, which is nothing to tell about.
    expect(taken.lines).toEqual([]);
  });

  test("gives up when it is told to, and is gone then", async () => {
    const network = new MemoryNetwork({ seed: 3 });
    const ended: string[] = [];
    network.listen((far) =>
      far.start({ data: () => {}, drained: () => {}, closed: (reason) => void ended.push(reason) }),
    );
    const own = options();
    const giveUp = new AbortController();
    const asked = probe(network.connect("node"), { ...own, signal: giveUp.signal }).catch((failure) => failure);
    await network.settle();
    giveUp.abort();
    await network.settle();
    expect(await asked).toMatchObject({ errorName: ErrorName.Disconnected });
    expect(ended).toEqual(["connection lost"]);
    expect(own.clock.pending).toBe(0);
  });
});

describe("an agent that joins", () => {
  const options = () => ({
    clock: new FakeClock(),
    handlers: handlersOf("agent"),
    heartbeat: { intervalMs: 0, thresholdMs: 0 },
    node: "node",
    version: "1.0-",
    onClose: () => {},
  });

  test("says hello, byte for byte", async () => {
    const network = new MemoryNetwork({ seed: 3 });
    let got = "";
    network.listen((far) =>
      far.start({
        data: (chunk) => {
          got += Buffer.from(chunk).toString("hex");
        },
        drained: () => {},
        closed: () => {},
      }),
    );
    const joined = join(network.connect("node"), options()).catch((failure) => failure);
    await network.settle();
    expect(got).toBe(`${frames.hello.replace(/^14/, "17")}000000`);
    network.cut();
    await network.settle();
    expect(await joined).toEqual(new Failure(ErrorName.Disconnected, "connection lost"));
  });

  test("is told why it is refused", async () => {
    const { network, lines } = door(() => {
      throw new Failure(ErrorName.AccessDenied, "Unexpected node name");
    });
    const joined = join(network.connect("node"), options()).catch((failure) => failure);
    await network.settle();
    expect(await joined).toEqual(new Failure(ErrorName.AccessDenied, "Unexpected node name"));
    expect(lines).toEqual(["Connection from node refused: Unexpected node name"]);
  });

  test.each([
    ["a newer protocol than ours", "05000001" + "02" + "00" + "02" + "3276", ErrorName.Failed],
    ["no protocol", "00000001", ErrorName.Failed],
    ["something else", frames.heartbeat, ErrorName.Disconnected],
    ["a refusal without words", "00000002", ErrorName.Failed],
  ])("does not take %s", async (_what, answer, errorName) => {
    const network = new MemoryNetwork({ seed: 3 });
    const ended: string[] = [];
    network.listen((far) => {
      far.start({ data: () => {}, drained: () => {}, closed: (reason) => void ended.push(reason) });
      far.write(Buffer.from(answer, "hex"));
    });
    const joined = join(network.connect("node"), options()).catch((failure) => failure);
    await network.settle();
    expect(await joined).toMatchObject({ errorName });
    expect(ended).toEqual(["connection lost"]);
  });

  test("does not wait for ever", async () => {
    const network = new MemoryNetwork({ seed: 3 });
    network.listen((far) => far.start({ data: () => {}, drained: () => {}, closed: () => {} }));
    const own = options();
    const joined = join(network.connect("node"), own).catch((failure) => failure);
    await network.settle();
    own.clock.advance(5000);
    expect(await joined).toMatchObject({ errorName: ErrorName.NoReply });
    expect(own.clock.pending).toBe(0);
  });
});
