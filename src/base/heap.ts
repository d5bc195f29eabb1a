/** How long after work has come it is looked at, and the CPU time after which garbage is worth collecting. */
const lookMs = 1000;
const workedMs = 100;
/** Collecting takes ever longer the more is kept, as by a controller with many nodes: no more than one part of so many. */
const share = 20;
/** Work comes with so many bytes. */
const workBytes = 4096;
/** So few at a time are a heartbeat, with TLS around it or not, and no work, however many connections have some. */
const heartbeatBytes = 32;

let arrivedBytes = 0;
let look: (() => void) | undefined;

/**
 * Keeps a daemon small. The runtime collects garbage by what its heap holds, but most of ours are buffers outside of it,
 * and it keeps the pages of a burst. So what was done is cleaned up after once a second; who does nothing pays nothing,
 * and is not even woken to see that.
 */
export function keepHeapSmall(): void {
  let before = process.cpuUsage();
  let lastMs = 0;
  arrivedBytes = 0;
  look = () => {
    arrivedBytes = 0;
    if (cpuMs(before) < Math.max(workedMs, share * lastMs)) return;
    before = process.cpuUsage();
    Bun.gc(true);
    lastMs = cpuMs(before);
    before = process.cpuUsage();
  };
}

/** Hears how much has arrived at a socket: all that a daemon does, it does because of that. */
export function arrived(bytes: number): void {
  if (bytes <= heartbeatBytes) return;
  const before = arrivedBytes;
  arrivedBytes += bytes;
  if (look && before < workBytes && arrivedBytes >= workBytes) setTimeout(look, lookMs).unref();
}

/** CPU time used since then. */
function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}
