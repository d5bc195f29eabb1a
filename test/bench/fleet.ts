// Many agents in one process, without systemd but over the real wire: bun fleet.ts HOST PREFIX COUNT. They are the nodes
// PREFIX0, PREFIX1 and so on, return as agents do when their link is lost, and have one value for every property and a
// quick end for every job. Tells how many are online, and when all
// are again, how long ago the first was lost, and when that is by CLOCK_MONOTONIC.
import { Backoff } from "../../src/base/backoff.ts";
import { systemClock } from "../../src/base/clock.ts";
import { encodeBody } from "../../src/bus/marshal.ts";
import { join } from "../../src/wire/handshake.ts";
import type { Session } from "../../src/wire/session.ts";
import { connect } from "../../src/wire/sockets.ts";
import { handlersOf } from "../wire/handlers.ts";

const [host = "", prefix = "", words = ""] = process.argv.slice(2);
const count = Number(words);
const intervalMs = 2000;
const value = encodeBody("v", [{ signature: "s", value: "active" }]);
let online = 0;
let told = 0;
let sinceMs = performance.now();

function changed(by: 1 | -1): void {
  if (online === count && by < 0) sinceMs = performance.now();
  online += by;
  if (online !== count) return;
  console.log(`all online after ${Math.round(performance.now() - sinceMs)} ms, at ${systemClock.monotonicUs()} us`);
}

setInterval(() => {
  if (told === online) return;
  told = online;
  console.log(`${online} online`);
}, 100);

for (let index = 0; index < count; index++) {
  const backoff = new Backoff(100, intervalMs);
  let session: Session<"agent"> | undefined;
  const handlers = handlersOf("agent", {
    getUnitProperty: () => ({ value }),
    startJob({ jobId }) {
      // After the answer.
      setImmediate(() => session?.emit("jobRemoved", { jobId, result: "done" }));
      return { job: `/job/${jobId}`, startedMonotonicUs: 0n, boot: 0n };
    },
  });
  const attempt = async (): Promise<void> => {
    try {
      const transport = await connect({ kind: "tcp", host, port: 842 }, {});
      session = await join(transport, {
        clock: systemClock,
        node: `${prefix}${index}`,
        version: "fleet",
        handlers,
        heartbeat: { intervalMs, thresholdMs: 3 * intervalMs },
        onClose() {
          changed(-1);
          again();
        },
      });
      backoff.reset();
      changed(1);
    } catch {
      again();
    }
  };
  const again = () => systemClock.after(backoff.next(), () => void attempt());
  void attempt();
}
