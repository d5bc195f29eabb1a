import { connect, type Socket } from "node:net";
import { getSystemErrorMessage } from "node:util";
import handshake from "dbus-next/lib/handshake.js";
import type { Clock } from "../base/clock.ts";
import { describe, ErrorName, Failure } from "../base/failure.ts";
import { type Endpoint, parseAddress, systemBusAddress } from "./address.ts";

/**
 * Connects to the first place in an address that takes us, and authenticates there.
 * @param timeoutMs for each place.
 * @throws Failure saying which address and why; the words are those of the last place tried.
 */
export async function openStream(address: string, clock: Clock, timeoutMs: number): Promise<Socket> {
  let reason = "";
  for (const endpoint of parseAddress(address)) {
    try {
      return await openEndpoint(endpoint, clock, timeoutMs);
    } catch (error) {
      reason = reasonOf(error);
    }
  }
  const bus = address === systemBusAddress() ? "the system bus" : "the bus";
  throw new Failure(ErrorName.Disconnected, `cannot connect to ${bus} at ${address}: ${reason}`);
}

/** What went wrong with a socket, in the system's words. */
export function reasonOf(error: unknown): string {
  const { errno } = error as { errno?: number };
  return typeof errno === "number" && errno !== 0 ? getSystemErrorMessage(-Math.abs(errno)) : describe(error);
}

function openEndpoint(endpoint: Endpoint, clock: Clock, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect("path" in endpoint ? { path: endpoint.path } : endpoint);
    const fail = (error: unknown) => {
      timer.cancel();
      socket.destroy();
      reject(error);
    };
    const timer = clock.after(timeoutMs, () => fail(new Error(`no answer within ${timeoutMs / 1000} s`)));
    const closed = () => fail(new Error("it closed the connection"));
    socket.on("error", fail);
    socket.on("close", closed);
    socket.once("connect", () =>
      // EXTERNAL is the kernel's word for who we are; every local bus takes it.
      handshake(beginEarly(socket), { authMethods: ["EXTERNAL"] }, (error) => {
        if (error) return fail(new Error("it refused to authenticate us"));
        timer.cancel();
        socket.off("error", fail);
        socket.off("close", closed);
        resolve(socket);
      }),
    );
  });
}

/**
 * A socket on which BEGIN goes out together with AUTH, as sd-bus sends it. BEGIN by itself may reach systemd's private
 * socket together with our first message, which systemd (252) then does not look at until something else arrives.
 */
function beginEarly(socket: Socket): Parameters<typeof handshake>[0] {
  return {
    write: (text) => text === "BEGIN\r\n" || socket.write(text.startsWith("AUTH ") ? `${text}BEGIN\r\n` : text),
    read: (size) => socket.read(size),
    on: (event: string, listener: (...args: unknown[]) => void) => socket.on(event, listener),
    removeListener: (event: string, listener: (...args: unknown[]) => void) => socket.removeListener(event, listener),
    emit: (event: string, ...args: unknown[]) => socket.emit(event, ...args),
  };
}
