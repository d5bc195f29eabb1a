/**
 * The life of a proxy: a unit of this node that stands for one of another node. Whether the target could be started is
 * said by the result of its dependency unit's start job there, not guessed from states that come and go before: a target
 * that is stopping, or that failed long ago, is about to be started again.
 */
export type ProxyState =
  | { readonly phase: "waiting"; readonly target: "unknown" | "active" | "gone" }
  | { readonly phase: "started" }
  | { readonly phase: "ended" };

export type ProxyEvent =
  | { readonly type: "refused"; readonly message: string }
  | { readonly type: "activated"; readonly result: string; readonly message: string }
  | { readonly type: "targetChanged"; readonly activeState: string; readonly reason: string }
  | { readonly type: "targetRemoved"; readonly reason: string }
  /** The proxy unit stops, or what waited for its start is gone. */
  | { readonly type: "removed" };

export type ProxyEffect =
  | { readonly type: "succeed" }
  | { readonly type: "fail"; readonly message: string }
  /** Stop the proxy unit, so that what is bound to it stops as well. */
  | { readonly type: "stopUnit"; readonly message: string }
  /** The controller need not keep the target for this proxy any longer. */
  | { readonly type: "release" };

interface Step {
  readonly state: ProxyState;
  readonly effects: readonly ProxyEffect[];
}

export const waiting: ProxyState = { phase: "waiting", target: "unknown" };
export const started: ProxyState = { phase: "started" };
const ended: ProxyState = { phase: "ended" };

const isGone = (activeState: string): boolean => activeState === "inactive" || activeState === "failed";

/** What an event makes of a proxy, and what has to be done about it, in order. */
export function step(state: ProxyState, event: ProxyEvent): Step {
  switch (state.phase) {
    case "waiting":
      return stepWaiting(state, event);
    case "started":
      return stepStarted(event);
    case "ended":
      return { state, effects: [] };
  }
}

function stepWaiting(state: Extract<ProxyState, { phase: "waiting" }>, event: ProxyEvent): Step {
  switch (event.type) {
    case "refused":
      return { state: ended, effects: [{ type: "fail", message: event.message }] };
    case "removed":
      return { state: ended, effects: [{ type: "fail", message: "Proxy service stopped" }, { type: "release" }] };
    case "activated":
      if (event.result !== "done") {
        return { state: ended, effects: [{ type: "fail", message: event.message }, { type: "release" }] };
      }
      // The target may have started and ended again before its start was reported.
      if (state.target === "gone")
        return { state: ended, effects: [{ type: "succeed" }, ...stop("it has stopped already")] };
      return { state: started, effects: [{ type: "succeed" }] };
    case "targetChanged":
      if (event.activeState === "active") return { state: started, effects: [{ type: "succeed" }] };
      if (isGone(event.activeState) && event.reason === "real")
        return { state: { ...state, target: "gone" }, effects: [] };
      return { state: { ...state, target: "unknown" }, effects: [] };
    case "targetRemoved":
      return { state, effects: [] };
  }
}

function stepStarted(event: ProxyEvent): Step {
  switch (event.type) {
    case "refused":
      return { state: ended, effects: stop(event.message) };
    case "removed":
      return { state: ended, effects: [{ type: "release" }] };
    case "activated":
      // After a reconnection the target is started anew; when that fails there is nothing left to stand for.
      if (event.result === "done") return { state: started, effects: [] };
      return { state: ended, effects: stop(event.message) };
    case "targetChanged":
      if (event.reason !== "real" || !isGone(event.activeState)) return { state: started, effects: [] };
      return { state: ended, effects: stop(`it is ${event.activeState}`) };
    case "targetRemoved":
      if (event.reason !== "real") return { state: started, effects: [] };
      return { state: ended, effects: stop("it is gone") };
  }
}

function stop(message: string): ProxyEffect[] {
  return [{ type: "stopUnit", message }, { type: "release" }];
}
