/** How often it is looked at, and the CPU time after which garbage is worth collecting. */
const lookMs = 1000;
const workedMs = 100;

/**
 * Keeps a daemon small. The runtime collects garbage by what its heap holds, but most of ours are buffers outside of it,
 * and it keeps the pages of a burst. So what was done is cleaned up after once a second; who does nothing pays nothing.
 */
export function keepHeapSmall(): void {
  let before = process.cpuUsage();
  setInterval(() => {
    const { user, system } = process.cpuUsage(before);
    if ((user + system) / 1000 < workedMs) return;
    Bun.gc(true);
    before = process.cpuUsage();
  }, lookMs).unref();
}
