// A connection to the private socket of a host's systemd, which is how systemctl asks it. systemd takes only who lives on
// the host there, so somebody who does connects, and we take the descriptor over.
import { dlopen, FFIType } from "bun:ffi";
import { readFile } from "node:fs/promises";
import type { Host } from "../testbed/host.ts";
import { until } from "../testbed/until.ts";

/** Tells the descriptor, and lives until its input ends. */
const connector = `
import socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect("/run/systemd/private")
print(peer.fileno(), flush=True)
sys.stdin.read()
`;

/** Numbers of system calls, the same on every architecture. */
const pidfdOpen = 434;
const pidfdGetfd = 438;

/** @returns a descriptor of ours. */
export async function connectPrivately(host: Host): Promise<number> {
  const child = Bun.spawn(host.command(["python3", "-c", connector]), { stdin: "pipe", stdout: "pipe" });
  const { value } = await child.stdout.getReader().read();
  const theirs = Number(new TextDecoder().decode(value));
  const inside = await until("who connects", () => childOf(child.pid));
  const { symbols, close } = dlopen("libc.so.6", {
    syscall: { args: [FFIType.i64, FFIType.i64, FFIType.i64, FFIType.i64], returns: FFIType.i64 },
    close: { args: [FFIType.i32], returns: FFIType.i32 },
  });
  const process = Number(symbols.syscall(pidfdOpen, inside, 0, 0));
  const ours = Number(symbols.syscall(pidfdGetfd, process, theirs, 0));
  symbols.close(process);
  close();
  await child.stdin.end();
  await child.exited;
  if (ours < 0) throw new Error("the kernel does not hand the descriptor over (pidfd_getfd(2))");
  return ours;
}

/** The one child of the process that entered the host. */
async function childOf(pid: number): Promise<number | undefined> {
  return Number(await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")) || undefined;
}
