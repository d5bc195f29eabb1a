import { apart } from "../base/apart.ts";
import type { Clock } from "../base/clock.ts";
import { describe, ErrorName, Failure } from "../base/failure.ts";
import { arrived } from "../base/heap.ts";
import { setSocketOption } from "../base/libc.ts";
import { type Endpoint, parseAddress, systemBusAddress } from "./address.ts";

/** What the kernel keeps for the other side, in bytes: as much as Linux has it by itself, and of a narrow stream. */
const wideBytes = 208 * 1024;
const narrowBytes = 64 * 1024;

/** A connected socket. It is the runtime's own: node:net takes longer to load than all else that a command does. */
export class Stream {
  /** Hears what arrives. */
  onData: (chunk: Uint8Array) => void = () => {};
  /** Hears that the kernel takes more, after a write of which it did not take all. */
  onDrain: () => void = () => {};
  /** Hears why the connection is over, unless it ended by end() or destroy(). */
  onEnd: (reason: string) => void = () => {};
  readonly #socket: Promise<Bun.Socket<unknown>>;
  #open: Bun.Socket<unknown> | undefined;
  readonly #local: boolean;
  #over = false;

  private constructor(place: string | { readonly hostname: string; readonly port: number }) {
    const socket: Bun.SocketHandler<unknown> = {
      // To copy out of a Buffer takes longer.
      binaryType: "uint8array",
      open: (opened) => {
        this.#open = opened;
      },
      data: (_, chunk) => {
        arrived(chunk.length);
        apart(() => this.onData(chunk));
      },
      drain: () => apart(() => this.onDrain()),
      end: () => this.#lost("the other side closed the connection"),
      error: (_, error) => this.#lost(reasonOf(error)),
      close: (_, error) => this.#lost(error ? reasonOf(error) : "the connection was closed"),
      // What it says is what the promise of the socket is rejected with.
      connectError: () => {},
    };
    this.#local = typeof place === "string";
    this.#socket = typeof place === "string" ? Bun.connect({ unix: place, socket }) : Bun.connect({ ...place, socket });
  }

  /** @throws what the system says against connecting. */
  static async connect(endpoint: Endpoint): Promise<Stream> {
    const stream = new Stream("path" in endpoint ? endpoint.path : await resolve(endpoint));
    await stream.#socket;
    return stream;
  }

  /** Gives the kernel what it takes of some bytes. @returns how many these were. */
  write(bytes: Uint8Array): number {
    return this.#over ? 0 : Math.max(0, this.#open?.write(bytes) ?? 0);
  }

  /**
   * Has the kernel take little that the other side has not read, or as much as ever. Over a network it takes what that needs
   * to be used in full.
   */
  narrow(narrow: boolean): void {
    const { fd } = (this.#open ?? {}) as { fd?: number };
    // The kernel allows twice what it is told.
    if (this.#local && fd !== undefined) setSocketOption(fd, "sendBuffer", (narrow ? narrowBytes : wideBytes) / 2);
  }

  /** Ends the connection; the other side still gets what was written. */
  end(): void {
    this.#over = true;
    this.#open?.end();
  }

  destroy(): void {
    this.#over = true;
    this.#open?.terminate();
  }

  #lost(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    apart(() => this.onEnd(reason));
  }
}

async function resolve({ host, port, family }: Extract<Endpoint, { readonly host: string }>) {
  if (family === 0) return { hostname: host, port };
  const [found] = await Bun.dns.lookup(host, { family });
  return { hostname: found?.address ?? host, port };
}

/** What went wrong with a socket, in the system's words. */
function reasonOf(error: unknown): string {
  const { errno } = error as { errno?: number };
  if (typeof errno !== "number" || errno >= 0) return describe(error);
  return process.getBuiltinModule("node:util").getSystemErrorMessage(errno);
}

/** Gets a connected stream, and returns once the other side has taken us. */
type Enter<T> = (stream: Stream) => Promise<T>;

/**
 * Connects to the first place in an address that takes us.
 * @param timeoutMs for all places together.
 * @throws Failure saying which address and why; the words are those of the last place tried.
 */
export async function openStream<T>(address: string, clock: Clock, timeoutMs: number, enter: Enter<T>): Promise<T> {
  const deadlineMs = clock.monotonicMs() + timeoutMs;
  let reason = "";
  for (const endpoint of parseAddress(address)) {
    const leftMs = Math.max(0, deadlineMs - clock.monotonicMs());
    try {
      return await openEndpoint(endpoint, enter, {
        clock,
        timeoutMs: leftMs,
        late: `no answer within ${timeoutMs / 1000} s`,
      });
    } catch (error) {
      reason = reasonOf(error);
    }
  }
  const bus = address === systemBusAddress() ? "the system bus" : "the bus";
  throw new Failure(ErrorName.Disconnected, `cannot connect to ${bus} at ${address}: ${reason}`);
}

interface Patience {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** What is said when it ends. */
  readonly late: string;
}

async function openEndpoint<T>(endpoint: Endpoint, enter: Enter<T>, patience: Patience): Promise<T> {
  const { clock, timeoutMs, late } = patience;
  const expired = Promise.withResolvers<never>();
  const timer = clock.after(timeoutMs, () => expired.reject(new Error(late)));
  const connecting = Stream.connect(endpoint);
  try {
    const stream = await Promise.race([connecting, expired.promise]);
    return await Promise.race([enter(stream), expired.promise]);
  } catch (error) {
    // Whoever answers now is too late.
    connecting.then(
      (stream) => stream.destroy(),
      () => {},
    );
    throw error;
  } finally {
    timer.cancel();
  }
}
