import type { DaemonSettings } from "./daemon.ts";

/** The kernel keeps it in an int. */
const maxUserTimeoutMs = 2 ** 31 - 1;

/** TCPKeepAliveTime where nobody has set it, and heartbeats are rare or off. */
const usualKeepAliveS = 1;

/**
 * The options of TCP connections that a daemon's settings ask for. Keepalive probes an idle connection only; as long as
 * sent bytes are not acknowledged the kernel would wait for a quarter of an hour (tcp(7), tcp_retries2), so they get the
 * time that the probes get, or that the heartbeats get where that is more.
 * @param thresholdMs how long the peer may be silent, 0 for ever.
 */
export function socketOptions(settings: DaemonSettings & { readonly HeartbeatInterval: number }, thresholdMs: number) {
  const { TCPKeepAliveTime, TCPKeepAliveInterval, TCPKeepAliveCount, HeartbeatInterval } = settings;
  const keepAliveS = (TCPKeepAliveTime ?? usualKeepAliveS) + TCPKeepAliveInterval * TCPKeepAliveCount;
  return {
    keepAliveTimeS: TCPKeepAliveTime ?? quietS(HeartbeatInterval, keepAliveS),
    keepAliveIntervalS: TCPKeepAliveInterval,
    keepAliveCount: TCPKeepAliveCount,
    userTimeoutMs: Math.min(Math.max(keepAliveS * 1000, thresholdMs), maxUserTimeoutMs),
    receiveErrors: settings.IPReceiveErrors,
  };
}

/**
 * How long a connection has to be idle to be worth a probe: longer than from one heartbeat to the next, which may be late by
 * half an interval. The user timeout ends a dead one after `keepAliveS` however late the probes begin (tcp(7)), if they do.
 */
function quietS(intervalMs: number, keepAliveS: number): number {
  const seconds = Math.ceil((intervalMs * 1.5) / 1000);
  return seconds > 0 && seconds < keepAliveS ? seconds : usualKeepAliveS;
}
