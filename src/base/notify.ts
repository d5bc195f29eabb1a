import type { Clock } from "./clock.ts";
import { sendDatagram } from "./libc.ts";

/**
 * Tells the service manager about the state of this process (sd_notify(3)), when it was started by one.
 * @param lines assignments such as `READY=1`, `STOPPING=1`, `STATUS=…`.
 */
export function notify(...lines: string[]): void {
  const socket = process.env.NOTIFY_SOCKET;
  if (socket) sendDatagram(socket, Buffer.from(lines.join("\n")));
}

/**
 * Tells the service manager from now on that the event loop turns, twice in the time that WatchdogSec= gives for that
 * (sd_watchdog_enabled(3)); nothing when it does not ask this process for it.
 */
export function feedWatchdog(clock: Clock): void {
  const { WATCHDOG_USEC = "", WATCHDOG_PID = `${process.pid}` } = process.env;
  const halfMs = Number(WATCHDOG_USEC) / 2000;
  if (!(halfMs > 0) || WATCHDOG_PID !== `${process.pid}`) return;
  const feed = () => {
    notify("WATCHDOG=1");
    clock.after(halfMs, feed);
  };
  feed();
}
