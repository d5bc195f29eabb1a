import type { Context } from "../context.ts";

export type JobMethod = "StartUnit" | "StopUnit" | "RestartUnit" | "ReloadUnit";

/** Queues a job and waits for its end. */
export async function runJob(context: Context, method: JobMethod, node: string, unit: string): Promise<number> {
  const session = await context.open();
  // The end of the job may be told before the answer with its path is seen here: ends are heard from before the call.
  const results = new Map<string, string>();
  let ended: ((result: string) => void) | undefined;
  let awaited: string | undefined;
  session.controller.onSignal("JobRemoved", (removed) => {
    if (removed.job === awaited) ended?.(removed.result);
    else if (!awaited && removed.node === node) results.set(removed.job, removed.result);
  });
  await session.controller.match();
  const { job } = await session.node(node).call(method, { name: unit, mode: "replace" });
  awaited = job;
  const end = new Promise<string>((resolve) => {
    ended = resolve;
  });
  const result = results.get(job) ?? (await Promise.race([end, session.gone()]));
  context.print(`Unit ${unit} ${method} operation result: ${result}`);
  return result === "done" || context.compatible ? 0 : 1;
}
