import { sendDatagram } from "../base/libc.ts";

/**
 * Tells the service manager about the state of this process (sd_notify(3)), when it was started by one.
 * @param lines assignments such as `READY=1`, `STOPPING=1`, `STATUS=…`.
 */
export function notify(...lines: string[]): void {
  const socket = process.env.NOTIFY_SOCKET;
  if (socket) sendDatagram(socket, Buffer.from(lines.join("\n")));
}
