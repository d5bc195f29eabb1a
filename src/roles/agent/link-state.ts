/**
 * The life of the link to the controllers, which are told apart by their places in the list, the best one first.
 * `failures` counts the attempts that have failed since it was last up. An agent that was `displaced` by another one of its
 * name comes back only when a controller says that the name is free.
 */
export type LinkState =
  | { readonly phase: "idle"; readonly failures: number; readonly displaced: boolean }
  | {
      readonly phase: "connecting";
      readonly candidate: number;
      readonly failures: number;
      readonly displaced: boolean;
    }
  | { readonly phase: "online"; readonly candidate: number }
  | { readonly phase: "paused" }
  | { readonly phase: "stopped" };

export type LinkEvent =
  /** It is time for a round of attempts, from the first candidate on. */
  | { readonly type: "due" }
  | { readonly type: "joined" }
  /** The attempt was in vain, maybe because another agent has the name. */
  | { readonly type: "failed"; readonly taken: boolean }
  | { readonly type: "lost"; readonly displaced: boolean }
  /** A candidate before the present one has proved to be steady. */
  | { readonly type: "better"; readonly candidate: number }
  /** There are other candidates. */
  | { readonly type: "switched" }
  /** There is no use in a link until it is resumed. */
  | { readonly type: "paused" }
  | { readonly type: "resumed" }
  | { readonly type: "stopped" };

export type LinkEffect =
  /** Connect to a candidate; `politely`: only when nobody else is connected there by this name. */
  | { readonly type: "connect"; readonly candidate: number; readonly attempt: number; readonly politely: boolean }
  /** Try again: at once, after a delay that grows with every round, or, displaced, after a long one. */
  | { readonly type: "schedule"; readonly delay: "none" | "growing" | "long" }
  /** From now on this is the candidate in use. */
  | { readonly type: "use"; readonly candidate: number }
  /** Look after the candidates before this one. */
  | { readonly type: "watch"; readonly candidate: number }
  /** Give up the attempt or the session there is. */
  | { readonly type: "drop" }
  | { readonly type: "tellOnline" }
  | { readonly type: "tellOffline" };

interface Step {
  readonly state: LinkState;
  readonly effects: readonly LinkEffect[];
}

export const initial: LinkState = { phase: "idle", failures: 0, displaced: false };

/**
 * What an event makes of the link, and what has to be done about it, in order.
 * @param candidates how many there are.
 */
export function step(state: LinkState, event: LinkEvent, candidates: number): Step {
  if (state.phase === "stopped") return { state, effects: [] };
  switch (event.type) {
    case "due":
      if (state.phase !== "idle") return { state, effects: [] };
      return connect(0, state.failures, state.displaced);
    case "joined": {
      if (state.phase !== "connecting") return { state, effects: [] };
      const { candidate } = state;
      const watch: LinkEffect[] = candidate > 0 ? [{ type: "watch", candidate }] : [];
      return {
        state: { phase: "online", candidate },
        effects: [{ type: "use", candidate }, { type: "tellOnline" }, ...watch],
      };
    }
    case "failed": {
      if (state.phase !== "connecting") return { state, effects: [] };
      const { displaced } = state;
      const [failures, next] = [state.failures + 1, state.candidate + 1];
      // Who has the name at one controller is to have it at all of them.
      if (next < candidates && !event.taken) return connect(next, failures, displaced);
      return {
        state: { phase: "idle", failures, displaced },
        effects: [{ type: "schedule", delay: displaced ? "long" : "growing" }],
      };
    }
    case "lost": {
      if (state.phase !== "online") return { state, effects: [] };
      const { displaced } = event;
      return {
        state: { phase: "idle", failures: 0, displaced },
        effects: [{ type: "tellOffline" }, { type: "schedule", delay: displaced ? "long" : "none" }],
      };
    }
    case "better": {
      const { candidate } = event;
      if (state.phase !== "online" || candidate >= state.candidate) return { state, effects: [] };
      const connected = connect(candidate, 0, false);
      return { ...connected, effects: [{ type: "use", candidate }, ...leave(state), ...connected.effects] };
    }
    case "switched":
      if (state.phase === "paused") return { state, effects: [] };
      return { state: initial, effects: [...leave(state), { type: "schedule", delay: "none" }] };
    case "paused":
      return { state: { phase: "paused" }, effects: leave(state) };
    case "resumed":
      if (state.phase !== "paused") return { state, effects: [] };
      return { state: initial, effects: [{ type: "schedule", delay: "none" }] };
    case "stopped":
      return { state: { phase: "stopped" }, effects: leave(state) };
  }
}

function connect(candidate: number, failures: number, displaced: boolean): Step {
  return {
    state: { phase: "connecting", candidate, failures, displaced },
    effects: [{ type: "connect", candidate, attempt: failures + 1, politely: displaced }],
  };
}

function leave(state: LinkState): LinkEffect[] {
  if (state.phase === "connecting") return [{ type: "drop" }];
  if (state.phase === "online") return [{ type: "drop" }, { type: "tellOffline" }];
  return [];
}
