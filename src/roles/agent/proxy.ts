/**
 * The life of a proxy: a unit of this node that stands for one of another node. Whether the target could be started is
 * said by the result of its dependency unit's start job there, not guessed from states that come and go before: a target
 * that is stopping, or that failed long ago, is about to be started again.
 */
export type ProxyState =
  | { readonly phase: "waiting"; readonly target: Target }
  /** `resumed` until the controller, which has been away, has had the target started again. */
  | { readonly phase: "resumed"; readonly target: Target }
  | { readonly phase: "started" }
  | { readonly phase: "ended" };

/** How the target was last seen while its start is under way. */
type Target = "unknown" | "gone";

export type ProxyEvent =
  /** The controller is told of the proxy, and has the target started. */
  | { readonly type: "announced" }
  | { readonly type: "refused"; readonly message: string }
  | { readonly type: "activated"; readonly result: string; readonly message: string }
  | { readonly type: "targetChanged"; readonly activeState: string; readonly reason: string }
  | { readonly type: "targetRemoved"; readonly reason: string }
  /** The target's node is away for so long that an active proxy is not kept any more. */
  | { readonly type: "targetLost"; readonly message: string }
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

const release: ProxyEffect = { type: "release" };
const stopped: ProxyEffect = { type: "fail", message: "Proxy service stopped" };

/** What an event makes of a proxy, and what has to be done about it, in order. */
export function step(state: ProxyState, event: ProxyEvent): Step {
  switch (state.phase) {
    case "waiting":
    case "resumed":
      return stepStarting(state, event);
    case "started":
      return stepStarted(event);
    case "ended":
      return { state, effects: [] };
  }
}

type Starting = Extract<ProxyState, { target: Target }>;

/** While the target is being started, the first time or once more, only how that ends decides. */
function stepStarting(state: Starting, event: ProxyEvent): Step {
  const first = state.phase === "waiting";
  const succeed: ProxyEffect[] = first ? [{ type: "succeed" }] : [];
  switch (event.type) {
    case "announced":
    case "targetRemoved":
      return { state, effects: [] };
    case "targetLost":
      // What waits for its first start has lost nothing: hosts may come up in any order.
      return first ? { state, effects: [] } : { state: ended, effects: stop(event.message) };
    case "refused":
      return { state: ended, effects: first ? [{ type: "fail", message: event.message }] : stop(event.message) };
    case "removed":
      return { state: ended, effects: [...(first ? [stopped] : []), release] };
    case "activated":
      if (event.result !== "done") {
        return {
          state: ended,
          effects: first ? [{ type: "fail", message: event.message }, release] : stop(event.message),
        };
      }
      // The target may have started and ended again before its start was reported.
      if (state.target === "gone") return { state: ended, effects: [...succeed, ...stop("it has stopped already")] };
      return { state: started, effects: succeed };
    case "targetChanged":
      return { state: { ...state, target: isEnd(event) ? "gone" : "unknown" }, effects: [] };
  }
}

function stepStarted(event: ProxyEvent): Step {
  switch (event.type) {
    case "announced":
      return { state: { phase: "resumed", target: "unknown" }, effects: [] };
    case "refused":
      return { state: ended, effects: stop(event.message) };
    case "removed":
      return { state: ended, effects: [release] };
    case "activated":
      // After the target's node was away its target is started anew; when that fails there is nothing left to stand for.
      if (event.result === "done") return { state: started, effects: [] };
      return { state: ended, effects: stop(event.message) };
    case "targetChanged":
      if (!isEnd(event)) return { state: started, effects: [] };
      return { state: ended, effects: stop(`it is ${event.activeState}`) };
    case "targetLost":
      return { state: ended, effects: stop(event.message) };
    case "targetRemoved":
      if (event.reason !== "real") return { state: started, effects: [] };
      return { state: ended, effects: stop("it is gone") };
  }
}

function isEnd({ activeState, reason }: Extract<ProxyEvent, { type: "targetChanged" }>): boolean {
  return reason === "real" && (activeState === "inactive" || activeState === "failed");
}

function stop(message: string): ProxyEffect[] {
  return [{ type: "stopUnit", message }, release];
}
