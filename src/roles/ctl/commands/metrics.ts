import type { Context } from "../context.ts";
import { Trouble } from "../trouble.ts";
import { untilInterrupted } from "../watch.ts";

const actions: Record<string, (context: Context) => Promise<number>> = {
  enable: (context) => toggle(context, "EnableMetrics"),
  disable: (context) => toggle(context, "DisableMetrics"),
  listen,
};
export const metricsActions: readonly string[] = Object.keys(actions);

export async function metrics(context: Context, action: string): Promise<number> {
  const run = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (!run) throw new Trouble([`Unknown metrics command: ${action}`]);
  return run(context);
}

async function toggle(context: Context, method: "EnableMetrics" | "DisableMetrics"): Promise<number> {
  const session = await context.open();
  await session.controller.call(method, {});
  context.print("Done");
  return 0;
}

function listen(context: Context): Promise<number> {
  return untilInterrupted(async () => {
    const session = await context.open();
    const source = session.metrics();
    source.onSignal("AgentJobMetrics", (told) => {
      const time = milliseconds(told.systemd_job_time_micros);
      context.print(`[${told.node_name}] Agent systemd ${told.method} job on ${told.unit} net measured time: ${time}`);
    });
    source.onSignal("StartUnitJobMetrics", (told) => {
      context.print(`[${told.node_name}] Job ${told.job_id} to start unit ${told.unit}:`);
      context.print(`\tBlueChi job gross measured time: ${milliseconds(told.job_measured_time_micros)}`);
      context.print(`\tUnit net start time (from properties): ${milliseconds(told.unit_start_prop_time_micros)}`);
    });
    await source.match();
    // Listening asks for nothing; without a question a controller that is not there would seem to have just left.
    await session.controller.get("Status");
    context.print("Waiting for metrics signals...");
    return session.gone();
  });
}

function milliseconds(micros: bigint): string {
  return `${(Number(micros) / 1000).toFixed(1)}ms`;
}
