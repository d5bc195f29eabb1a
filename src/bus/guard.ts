import { Failure } from "../base/failure.ts";

/**
 * Runs one of several listeners. A Failure, as of a signal whose arguments are malformed, concerns nobody else. Any other
 * exception is a broken invariant of ours: it ends the process as soon as the other listeners have been served.
 */
export function guard(listener: () => void): void {
  try {
    listener();
  } catch (thrown) {
    if (thrown instanceof Failure) return;
    queueMicrotask(() => {
      throw thrown;
    });
  }
}
