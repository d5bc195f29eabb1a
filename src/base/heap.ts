/** How often it is looked at, and the CPU time after which garbage is worth collecting. */
const lookMs = 1000;
const workedMs = 100;
/** Collecting takes ever longer the more is kept, as by a controller with many nodes: no more than one part of so many. */
const share = 20;

/**
 * Keeps a daemon small. The runtime collects garbage by what its heap holds, but most of ours are buffers outside of it,
 * and it keeps the pages of a burst. So what was done is cleaned up after once a second; who does nothing pays nothing.
 */
export function keepHeapSmall(): void {
  let before = process.cpuUsage();
  let lastMs = 0;
  setInterval(() => {
    if (cpuMs(before) < Math.max(workedMs, share * lastMs)) return;
    before = process.cpuUsage();
    Bun.gc(true);
    lastMs = cpuMs(before);
    before = process.cpuUsage();
  }, lookMs).unref();
}

/** CPU time used since then. */
function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}
