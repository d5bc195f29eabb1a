/** The life of the link to the controller. `failures` counts the attempts that have failed since it was last up. */
export type LinkState =
  | { readonly phase: "idle"; readonly failures: number }
  | { readonly phase: "connecting"; readonly failures: number }
  | { readonly phase: "online" }
  | { readonly phase: "paused" }
  | { readonly phase: "stopped" };

export type LinkEvent =
  /** It is time to try. */
  | { readonly type: "due" }
  | { readonly type: "joined" }
  | { readonly type: "failed" }
  | { readonly type: "lost" }
  /** Another controller is to be connected to. */
  | { readonly type: "switched" }
  /** There is no use in a link until it is resumed. */
  | { readonly type: "paused" }
  | { readonly type: "resumed" }
  | { readonly type: "stopped" };

export type LinkEffect =
  | { readonly type: "connect"; readonly attempt: number }
  /** Try again later: at once when `soon`, else after a delay that grows with every failure. */
  | { readonly type: "schedule"; readonly soon: boolean }
  /** Give up the attempt or the session there is. */
  | { readonly type: "drop" }
  | { readonly type: "tellOnline" }
  | { readonly type: "tellOffline" };

interface Step {
  readonly state: LinkState;
  readonly effects: readonly LinkEffect[];
}

export const initial: LinkState = { phase: "idle", failures: 0 };

/** What an event makes of the link, and what has to be done about it, in order. */
export function step(state: LinkState, event: LinkEvent): Step {
  if (state.phase === "stopped") return { state, effects: [] };
  switch (event.type) {
    case "due":
      if (state.phase !== "idle") return { state, effects: [] };
      return {
        state: { phase: "connecting", failures: state.failures },
        effects: [{ type: "connect", attempt: state.failures + 1 }],
      };
    case "joined":
      if (state.phase !== "connecting") return { state, effects: [] };
      return { state: { phase: "online" }, effects: [{ type: "tellOnline" }] };
    case "failed":
      if (state.phase !== "connecting") return { state, effects: [] };
      return {
        state: { phase: "idle", failures: state.failures + 1 },
        effects: [{ type: "schedule", soon: false }],
      };
    case "lost":
      if (state.phase !== "online") return { state, effects: [] };
      return { state: initial, effects: [{ type: "tellOffline" }, { type: "schedule", soon: true }] };
    case "switched":
      if (state.phase === "paused") return { state, effects: [] };
      return { state: initial, effects: [...leave(state), { type: "schedule", soon: true }] };
    case "paused":
      return { state: { phase: "paused" }, effects: leave(state) };
    case "resumed":
      if (state.phase !== "paused") return { state, effects: [] };
      return { state: initial, effects: [{ type: "schedule", soon: true }] };
    case "stopped":
      return { state: { phase: "stopped" }, effects: leave(state) };
  }
}

function leave(state: LinkState): LinkEffect[] {
  if (state.phase === "connecting") return [{ type: "drop" }];
  if (state.phase === "online") return [{ type: "drop" }, { type: "tellOffline" }];
  return [];
}
