// The way into a running host.
import { groupOf } from "./groups.ts";

const environment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  LANG: "C.UTF-8",
  TERM: "xterm",
};

export type Variables = Readonly<Record<string, string>>;

/** What goes before a command so that nothing of this machine's environment reaches it. */
export function cleanEnvironment(env: Variables): string[] {
  return ["env", "-i", ...Object.entries({ ...environment, ...env }).map(([name, value]) => `${name}=${value}`)];
}

/**
 * What goes before a command to run it on the host with that process 1, whose control group it joins: of a process in none
 * of the host's groups logind and busctl there want to know nothing.
 */
export function enter(leader: number | string, env: Variables = {}): string[] {
  const nsenter = ["nsenter", "-t", `${leader}`, "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w"];
  const join = ["sh", "-c", 'echo $$ 2>/dev/null >"$0"; exec "$@"', groupOf(leader)];
  return [...join, ...nsenter, ...cleanEnvironment(env)];
}
