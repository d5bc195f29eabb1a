/** Keeps from a socket of the runtime what its handler throws: to the socket it would be an error of the connection. */
export function apart(handler: () => void): void {
  try {
    handler();
  } catch (thrown) {
    queueMicrotask(() => {
      throw thrown;
    });
  }
}
