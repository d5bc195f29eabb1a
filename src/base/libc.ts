import { dlopen, FFIType, type Pointer, ptr, read } from "bun:ffi";

// What the runtime has no call for. Loaded at the first use.
// Constants are those of Linux on x86-64 and arm64, which agree here.

const symbols = {
  clock_gettime: { args: [FFIType.i32, FFIType.ptr], returns: FFIType.i32 },
  socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  sendto: {
    args: [FFIType.i32, FFIType.ptr, FFIType.u64, FFIType.i32, FFIType.ptr, FFIType.u32],
    returns: FFIType.i64,
  },
  listen: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  connect: { args: [FFIType.i32, FFIType.ptr, FFIType.u32], returns: FFIType.i32 },
  poll: { args: [FFIType.ptr, FFIType.u64, FFIType.i32], returns: FFIType.i32 },
  close: { args: [FFIType.i32], returns: FFIType.i32 },
  isatty: { args: [FFIType.i32], returns: FFIType.i32 },
  getsockopt: {
    args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.ptr],
    returns: FFIType.i32,
  },
  __errno_location: { args: [], returns: FFIType.ptr },
  getsockname: { args: [FFIType.i32, FFIType.ptr, FFIType.ptr], returns: FFIType.i32 },
  getpwnam: { args: [FFIType.ptr], returns: FFIType.ptr },
  getgrnam: { args: [FFIType.ptr], returns: FFIType.ptr },
  setsockopt: { args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.u32], returns: FFIType.i32 },
} as const;

function load() {
  const { statSync } = process.getBuiltinModule("node:fs");
  const musl = ["/lib/ld-musl-x86_64.so.1", "/lib/ld-musl-aarch64.so.1"].find((path) =>
    statSync(path, { throwIfNoEntry: false }),
  );
  const glibc = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"].some((path) =>
    statSync(path, { throwIfNoEntry: false }),
  );
  return dlopen(glibc || !musl ? "libc.so.6" : musl, symbols).symbols;
}

let loaded: ReturnType<typeof load> | undefined;

function libc(): ReturnType<typeof load> {
  loaded ??= load();
  return loaded;
}

/** Why the last call failed (errno(3)). */
function errno(): number {
  const place = libc().__errno_location();
  return place === null ? 0 : read.i32(place);
}

/** Whether a descriptor is a terminal (isatty(3)). */
export function isTerminal(fd: number): boolean {
  return libc().isatty(fd) === 1;
}

const CLOCK_MONOTONIC = 1;

/** CLOCK_MONOTONIC in microseconds (clock_gettime(2)). */
export function clockMonotonicUs(): bigint {
  const timespec = new BigInt64Array(2);
  libc().clock_gettime(CLOCK_MONOTONIC, ptr(timespec));
  return (timespec[0] ?? 0n) * 1_000_000n + (timespec[1] ?? 0n) / 1000n;
}

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const EAGAIN = 11;

/** What became of a datagram: the receiver's queue may be full, or nobody is there, or it is too large. */
export type Sent = "sent" | "full" | "refused";

/** Sends datagrams to a unix socket, which is looked for again at each, as its owner may have restarted. */
export class DatagramSocket {
  readonly #address: Buffer | undefined;
  #fd = -1;

  /** @param path a path, or with a leading `@` an abstract name. */
  constructor(path: string) {
    this.#address = unixAddress(path);
  }

  /**
   * @param options.wait whether to wait while the receiver's queue is full.
   */
  send(data: Uint8Array, options: { readonly wait: boolean }): Sent {
    const address = this.#address;
    if (!address) return "refused";
    if (this.#fd < 0) this.#fd = libc().socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
    if (this.#fd < 0) return "refused";
    const flags = options.wait ? MSG_NOSIGNAL : MSG_NOSIGNAL | MSG_DONTWAIT;
    const sent = libc().sendto(this.#fd, ptr(data), BigInt(data.length), flags, ptr(address), address.length);
    if (Number(sent) === data.length) return "sent";
    return errno() === EAGAIN ? "full" : "refused";
  }

  close(): void {
    if (this.#fd >= 0) libc().close(this.#fd);
    this.#fd = -1;
  }
}

/** A sockaddr_un: the family, then the path. An abstract name has no terminating NUL, its length tells the end. */
function unixAddress(path: string): Buffer | undefined {
  const name = Buffer.from(path);
  if (name.length === 0 || name.length > 107) return undefined;
  if (name[0] === 0x40) name[0] = 0;
  const address = Buffer.alloc(2 + name.length + (name[0] === 0 ? 0 : 1));
  address.writeUInt16LE(AF_UNIX, 0);
  name.copy(address, 2);
  return address;
}

/**
 * Sends one datagram to a unix socket.
 * @param path a path, or with a leading `@` an abstract name.
 * @returns whether the kernel took it.
 */
export function sendDatagram(path: string, data: Uint8Array): boolean {
  const socket = new DatagramSocket(path);
  try {
    return socket.send(data, { wait: true }) === "sent";
  } finally {
    socket.close();
  }
}

/** Socket options by level and name (tcp(7), ip(7), ipv6(7), socket(7)). */
export const SocketOption = {
  sendBuffer: [1, 7],
  keepAlive: [1, 9],
  tcpThinLinearTimeouts: [6, 16],
  tcpUserTimeoutMs: [6, 18],
  tcpKeepAliveTimeS: [6, 4],
  tcpKeepAliveIntervalS: [6, 5],
  tcpKeepAliveCount: [6, 6],
  ipReceiveErrors: [0, 11],
  ipv6ReceiveErrors: [41, 25],
} as const;

/** Sets an integer option of a socket (setsockopt(2)). @returns whether the kernel took it. */
export function setSocketOption(fd: number, option: keyof typeof SocketOption, value: number): boolean {
  const [level, name] = SocketOption[option];
  const data = new Int32Array([value]);
  return libc().setsockopt(fd, level, name, ptr(data), 4) === 0;
}

/** Sets how many connections may wait to be accepted; the kernel takes less when net.core.somaxconn says so (listen(2)). */
export function setBacklog(fd: number, backlog: number): void {
  libc().listen(fd, backlog);
}

const IPPROTO_TCP = 6;
const TCP_INFO = 11;
/** Where `tcpi_bytes_received` is in a `struct tcp_info` (linux/tcp.h). */
const bytesReceivedAt = 128;

/** How many bytes the peer of a TCP connection has sent so far (tcp(7), TCP_INFO); 0 where the kernel does not tell. */
export function receivedBytes(fd: number): number {
  const info = new BigUint64Array(bytesReceivedAt / 8 + 1);
  const length = new Uint32Array([info.byteLength]);
  if (libc().getsockopt(fd, IPPROTO_TCP, TCP_INFO, ptr(info), ptr(length)) !== 0) return 0;
  return Number(info[bytesReceivedAt / 8]);
}

/** Address families, with where the address begins in its struct, and its size (ip(7), ipv6(7)). */
const addressAt = new Map([
  [2, { at: 4, size: 4 }],
  [10, { at: 8, size: 16 }],
]);

/** The IP address that a socket is bound to, 4 or 16 bytes; undefined for a socket of another family. */
export function boundAddress(fd: number): Uint8Array | undefined {
  const bound = Buffer.alloc(128);
  const length = new Uint32Array([bound.length]);
  if (libc().getsockname(fd, ptr(bound), ptr(length)) !== 0) return undefined;
  const place = addressAt.get(bound.readUInt16LE(0));
  return place && new Uint8Array(bound.subarray(place.at, place.at + place.size));
}

const SOL_SOCKET = 1;
const SO_ERROR = 4;
const SOCK_STREAM_NONBLOCK_CLOEXEC = 1 | 0o4000 | 0o2000000;
const EINPROGRESS = 115;
const POLLOUT = 4;

/**
 * What a TCP connection to an IP address fails with, as a number of errno(3); undefined when it does not fail, or not soon.
 * @param patienceMs for how long the answer is waited for, and nothing else done.
 */
export function connectError(address: Uint8Array, port: number, patienceMs: number): number | undefined {
  const [family, place] = [...addressAt].find(([, { size }]) => size === address.length) ?? [];
  if (family === undefined || !place) return undefined;
  const sockaddr = Buffer.alloc(28);
  sockaddr.writeUInt16LE(family, 0);
  sockaddr.writeUInt16BE(port, 2);
  sockaddr.set(address, place.at);
  const fd = libc().socket(family, SOCK_STREAM_NONBLOCK_CLOEXEC, 0);
  if (fd < 0) return undefined;
  try {
    if (libc().connect(fd, ptr(sockaddr), sockaddr.length) !== 0 && errno() !== EINPROGRESS) return errno();
    const pollfd = new Int32Array([fd, POLLOUT]);
    if (libc().poll(ptr(pollfd), 1n, patienceMs) !== 1) return undefined;
    return socketWords(fd, SO_ERROR, 1)?.[0] || undefined;
  } finally {
    libc().close(fd);
  }
}

const SO_PEERSEC = 31;

/** The security context of who is at the other end of a socket (SO_PEERSEC, unix(7)); undefined when there is none. */
export function peerContext(fd: number): string | undefined {
  const context = Buffer.alloc(4096);
  const length = new Uint32Array([context.length]);
  if (libc().getsockopt(fd, SOL_SOCKET, SO_PEERSEC, ptr(context), ptr(length)) !== 0) return undefined;
  const text = context.toString("utf8", 0, length[0]);
  return text.replace(/\0.*$/s, "") || undefined;
}

const SO_PEERCRED = 17;
const SO_PEERGROUPS = 59;
/** The kernel's bound on a process's groups (NGROUPS_MAX, getgroups(2)). */
const maxGroups = 65_536;

/** Who is at the other end of a unix socket, as of when they connected (unix(7)). */
export interface PeerCredentials {
  readonly uid: number;
  /** All of its groups. */
  readonly gids: readonly number[];
}

/** Who is at the other end of a unix socket (SO_PEERCRED, SO_PEERGROUPS); undefined when the kernel does not tell. */
export function peerCredentials(fd: number): PeerCredentials | undefined {
  const [, uid, gid] = socketWords(fd, SO_PEERCRED, 3) ?? [];
  if (uid === undefined || gid === undefined) return undefined;
  return { uid, gids: [gid, ...(socketWords(fd, SO_PEERGROUPS, maxGroups) ?? [])] };
}

/** An option of a socket that is a row of 32-bit numbers; undefined when there is none. */
function socketWords(fd: number, option: number, max: number): Uint32Array | undefined {
  const words = new Uint32Array(max);
  const length = new Uint32Array([words.byteLength]);
  if (libc().getsockopt(fd, SOL_SOCKET, option, ptr(words), ptr(length)) !== 0) return undefined;
  return words.subarray(0, (length[0] ?? 0) / words.BYTES_PER_ELEMENT);
}

/** The number of a user by its name (getpwnam(3)); undefined when there is no such user. */
export function userId(name: string): number | undefined {
  return accountId(libc().getpwnam(ptr(Buffer.from(`${name}\0`))));
}

/** The number of a group by its name (getgrnam(3)); undefined when there is no such group. */
export function groupId(name: string): number | undefined {
  return accountId(libc().getgrnam(ptr(Buffer.from(`${name}\0`))));
}

/** In struct passwd and struct group alike the number follows two pointers. */
function accountId(entry: Pointer | bigint | null): number | undefined {
  return entry === null ? undefined : read.u32(Number(entry) as Pointer, 16);
}
