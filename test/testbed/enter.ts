// The way into a running host.
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

/** What goes before a command to run it on the host with that process 1. */
export function enter(leader: number | string, env: Variables = {}): string[] {
  return ["nsenter", "-t", `${leader}`, "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", ...cleanEnvironment(env)];
}
