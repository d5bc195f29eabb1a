import type { JobType } from "../../systemd/port.ts";
import type { ReplyOf } from "../../wire/messages.ts";

/**
 * The life of a job. It is announced only once its agent has accepted it and the caller has its answer; what the agent
 * tells before that is kept. Its result is systemd's, or one of those that only a controller can give.
 */
export type JobState =
  | { readonly phase: "requested"; readonly running: boolean; readonly result?: string }
  | { readonly phase: "waiting" }
  | { readonly phase: "running" }
  | { readonly phase: "ended" };

export type JobEvent =
  | { readonly type: "accepted" }
  | { readonly type: "refused" }
  | { readonly type: "running" }
  | { readonly type: "removed"; readonly result: string };

export type JobEffect =
  | { readonly type: "new" }
  | { readonly type: "stateChanged" }
  | { readonly type: "removed"; readonly result: string };

interface Step {
  readonly state: JobState;
  readonly effects: readonly JobEffect[];
}

export const requested: JobState = { phase: "requested", running: false };
const ended: JobState = { phase: "ended" };

/** What an event makes of a job, and what has to be told about it, in order. */
export function step(state: JobState, event: JobEvent): Step {
  switch (state.phase) {
    case "requested":
      return stepRequested(state, event);
    case "waiting":
    case "running":
      if (event.type === "removed") return { state: ended, effects: [event] };
      if (event.type === "running" && state.phase === "waiting") {
        return { state: { phase: "running" }, effects: [{ type: "stateChanged" }] };
      }
      return { state, effects: [] };
    case "ended":
      return { state, effects: [] };
  }
}

function stepRequested(state: Extract<JobState, { phase: "requested" }>, event: JobEvent): Step {
  switch (event.type) {
    case "refused":
      return { state: ended, effects: [] };
    case "running":
      return { state: { ...state, running: true }, effects: [] };
    case "removed":
      return { state: { ...state, result: state.result ?? event.result }, effects: [] };
    case "accepted": {
      const effects: JobEffect[] = [{ type: "new" }];
      if (state.running) effects.push({ type: "stateChanged" });
      if (state.result === undefined) return { state: { phase: state.running ? "running" : "waiting" }, effects };
      effects.push({ type: "removed", result: state.result });
      return { state: ended, effects };
    }
  }
}

/** A job of one node, from its request to its end. */
export class Job {
  readonly id: number;
  readonly node: string;
  readonly unit: string;
  readonly type: JobType;
  /** When it was asked for, in ms of the clock that never jumps. */
  readonly requestedMs: number;
  state: JobState = requested;
  /** What it takes to find the job again in the node's systemd; undefined until its agent has accepted it. */
  ticket: ReplyOf<"startJob"> | undefined;
  /** Told its result, after all others have been. */
  onEnded: (result: string) => void = () => {};

  constructor(id: number, node: string, unit: string, type: JobType, requestedMs: number) {
    this.id = id;
    this.node = node;
    this.unit = unit;
    this.type = type;
    this.requestedMs = requestedMs;
  }

  /** The State property: what systemd calls the job's state. */
  get stateName(): "waiting" | "running" {
    return this.state.phase === "running" ? "running" : "waiting";
  }
}
