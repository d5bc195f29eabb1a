// What the kernel has as the options of a daemon's TCP connections.
import type { Host } from "../testbed/host.ts";

// Takes the daemon's own sockets over, by pidfd_getfd(2), and asks for each that is connected.
const script = `
import ctypes, os, socket, sys
pid = int(sys.argv[1])
pidfd = os.pidfd_open(pid)
for fd in map(int, os.listdir(f"/proc/{pid}/fd")):
    if not os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:"): continue
    s = socket.socket(fileno=ctypes.CDLL(None).syscall(438, pidfd, fd, 0))
    if s.family not in (socket.AF_INET, socket.AF_INET6): continue
    if s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN): continue
    alive = [s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)]
    alive += [s.getsockopt(socket.IPPROTO_TCP, o) for o in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)]
    errors = [s.getsockopt(socket.IPPROTO_IP, 11)]
    if s.family == socket.AF_INET6: errors.append(s.getsockopt(socket.IPPROTO_IPV6, 25))
    thin = s.getsockopt(socket.IPPROTO_TCP, 16)
    timeout = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    print("keepalive", *alive, "timeout", timeout, "thin", thin, "errors", *errors)
`;

/**
 * The options of a daemon's TCP connections, those that listen left out.
 * @param program the beginning of the daemon's command line.
 * @returns for each the keepalive options (on, time, interval, count), TCP_USER_TIMEOUT, TCP_THIN_LINEAR_TIMEOUTS, and IP_RECVERR, with
 * IPV6_RECVERR for a socket of IPv6.
 */
export async function tcpOptions(host: Host, program: string): Promise<string[]> {
  const pid = (await host.sh(`pgrep -fo '^${program}'`)).trim();
  const { stdout, stderr } = await host.run(["/usr/bin/python3", "-c", script, pid]);
  return (stdout + stderr).split("\n").filter(Boolean);
}
