/** The life of the connection to systemd, which is there for as long as somebody needs it. */
export type ConnectionState =
  /** Nobody needs it, and systemd does nothing for us. */
  | { readonly phase: "closed" }
  /** `again` after it was lost, which was told. */
  | { readonly phase: "opening"; readonly again: boolean }
  | { readonly phase: "open" }
  /** Nobody needs it any longer, but somebody may soon. */
  | { readonly phase: "lingering" }
  /** systemd is out of reach, and is tried again whether it is needed or not: that it is gone has been told. */
  | { readonly phase: "lost" }
  | { readonly phase: "ended" };

export type ConnectionEvent =
  /** The first who needs it, and the end of the last need. */
  | { readonly type: "needed" }
  | { readonly type: "unneeded" }
  | { readonly type: "opened"; readonly needed: boolean }
  | { readonly type: "failed" }
  | { readonly type: "lost" }
  /** The next attempt, or the end of lingering. */
  | { readonly type: "due" }
  | { readonly type: "ended" };

export type ConnectionEffect =
  | { readonly type: "open" }
  /** An attempt is due later, each time after a longer delay. */
  | { readonly type: "retry" }
  /** The end of lingering is due later. */
  | { readonly type: "linger" }
  /** Nothing is due any more. */
  | { readonly type: "settle" }
  | { readonly type: "close" }
  | { readonly type: "tellConnected" }
  | { readonly type: "tellLost" }
  | { readonly type: "tellRecovered" };

interface Step {
  readonly state: ConnectionState;
  readonly effects: readonly ConnectionEffect[];
}

export const opening: ConnectionState = { phase: "opening", again: false };

/** What an event makes of the connection, and what has to be done about it, in order. */
export function step(state: ConnectionState, event: ConnectionEvent): Step {
  if (event.type === "ended") return { state: { phase: "ended" }, effects: [{ type: "settle" }, { type: "close" }] };
  switch (state.phase) {
    case "closed":
      return event.type === "needed" ? { state: opening, effects: [{ type: "open" }] } : { state, effects: [] };
    case "opening":
      return stepOpening(state.again, event) ?? { state, effects: [] };
    case "open":
      if (event.type === "unneeded") return { state: { phase: "lingering" }, effects: [{ type: "linger" }] };
      if (event.type === "lost") return lose;
      return { state, effects: [] };
    case "lingering":
      if (event.type === "needed") return { state: { phase: "open" }, effects: [{ type: "settle" }] };
      if (event.type === "due") return { state: { phase: "closed" }, effects: [{ type: "close" }] };
      // Nobody misses it; whoever needs it next finds out whether systemd is back.
      if (event.type === "lost") return { state: { phase: "closed" }, effects: [{ type: "settle" }] };
      return { state, effects: [] };
    case "lost":
      if (event.type !== "due") return { state, effects: [] };
      return { state: { phase: "opening", again: true }, effects: [{ type: "open" }] };
    case "ended":
      // An attempt that was under way has succeeded.
      return { state, effects: event.type === "opened" ? [{ type: "close" }] : [] };
  }
}

const lose: Step = { state: { phase: "lost" }, effects: [{ type: "tellLost" }, { type: "retry" }] };

function stepOpening(again: boolean, event: ConnectionEvent): Step | undefined {
  if (event.type === "failed") return again ? { state: { phase: "lost" }, effects: [{ type: "retry" }] } : lose;
  if (event.type !== "opened") return undefined;
  const tell: ConnectionEffect = { type: again ? "tellRecovered" : "tellConnected" };
  if (event.needed) return { state: { phase: "open" }, effects: [tell] };
  return { state: { phase: "lingering" }, effects: [{ type: "linger" }, tell] };
}
