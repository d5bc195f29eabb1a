import type { Stream } from "./stream.ts";

/** The longest answer read; a server's takes some 40 bytes. */
const maxAnswer = 16 * 1024;

/**
 * Authenticates on a connected stream (D-Bus specification, "Authentication Protocol"). EXTERNAL is the kernel's word for
 * who we are; every local bus takes it. BEGIN goes out together with AUTH, as sd-bus sends it: BEGIN by itself may reach
 * systemd's private socket together with our first message, which systemd (252) then does not look at until something else
 * arrives.
 * @param first what we say first, which goes out together with that: a bus reads it as soon as it knows us.
 * @returns what has arrived behind the answer.
 * @throws Error when we are refused, or the connection ends.
 */
export function authenticate(stream: Stream, first: Uint8Array): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  let answer = Buffer.alloc(0);
  const closed = () => reject(new Error("it closed the connection"));
  stream.onEnd = closed;
  stream.onData = (chunk) => {
    answer = Buffer.concat([answer, chunk]);
    const end = answer.indexOf("\r\n");
    if (end < 0 && answer.length <= maxAnswer) return;
    if (answer.toString("latin1", 0, Math.max(0, end)).startsWith("OK")) resolve(answer.subarray(end + 2));
    else reject(new Error("it refused to authenticate us"));
  };
  const uid = Buffer.from(String(process.getuid?.() ?? 0)).toString("hex");
  const request = Buffer.concat([Buffer.from(`\0AUTH EXTERNAL ${uid}\r\nBEGIN\r\n`), first]);
  // The first bytes always fit in the kernel's buffer.
  if (stream.write(request) < request.length) closed();
  return promise;
}
