import { ErrorName, Failure } from "../../../base/failure.ts";

/** A host that asks to join without a token. */
export interface PendingRequest {
  readonly node: string;
  /** Of its key: SHA-256, in hexadecimal digits. */
  readonly fingerprint: string;
  /** The address that it asked from last. */
  peer: string;
  /** When it asked first. */
  readonly sinceMs: number;
  /** When it asked last. */
  lastMs: number;
  denied: boolean;
}

/** Requests that are remembered, and those of one address. */
export const maxPending = 64;
export const maxPendingOfPeer = 8;
/** Digits of a key's fingerprint that nobody finds another key for. */
export const decisiveDigits = 16;
/** How long a request is remembered that is not repeated. */
export const forgottenMs = 10 * 60_000;

/** The hosts that wait for somebody to decide. Bounds: beyond them nobody else may wait; who stops asking is forgotten. */
export class Pending {
  readonly #requests = new Map<string, PendingRequest>();

  /** Those that nobody has decided on, in the order in which they came. */
  open(nowMs: number): PendingRequest[] {
    this.#forget(nowMs);
    return [...this.#requests.values()].filter(({ denied }) => !denied);
  }

  /** A host asks. @throws Failure AccessDenied when it was denied, LimitsExceeded when too many wait. */
  ask(node: string, fingerprint: string, peer: string, nowMs: number): void {
    this.#forget(nowMs);
    const known = this.#requests.get(key(node, fingerprint));
    if (known?.denied) throw new Failure(ErrorName.AccessDenied, `the request to join as '${node}' was denied`);
    if (known) {
      known.lastMs = nowMs;
      known.peer = peer;
      return;
    }
    const ofPeer = [...this.#requests.values()].filter((request) => request.peer === peer);
    if (this.#requests.size >= maxPending || ofPeer.length >= maxPendingOfPeer)
      throw new Failure(
        ErrorName.LimitsExceeded,
        "too many requests to join wait for somebody to decide, try again later",
      );
    const request = { node, fingerprint, peer, sinceMs: nowMs, lastMs: nowMs, denied: false };
    this.#requests.set(key(node, fingerprint), request);
  }

  /**
   * The one with a key. Its name alone says nothing: since somebody looked, another one may have come in its place.
   * @param prefix how the fingerprint of its key begins, in `decisiveDigits` at least.
   * @throws Failure InvalidArgs when that is too short, or there is none.
   */
  find(node: string, prefix: string, nowMs: number): PendingRequest {
    if (prefix.length < decisiveDigits) {
      const rule = `name it by the first ${decisiveDigits} digits of the key that it shows, or all`;
      throw new Failure(ErrorName.InvalidArgs, `anybody may ask to join as '${node}': ${rule}`);
    }
    const [request] = this.#matching(node, prefix, nowMs);
    if (!request) throw new Failure(ErrorName.InvalidArgs, `nobody with this key asks to join as '${node}'`);
    return request;
  }

  /** Denies all that are meant. @throws Failure InvalidArgs when there is none. */
  deny(node: string, prefix: string, nowMs: number): void {
    const found = this.#matching(node, prefix, nowMs);
    if (found.length === 0) throw new Failure(ErrorName.InvalidArgs, `nobody with this key asks to join as '${node}'`);
    for (const request of found) request.denied = true;
  }

  /** Somebody has decided in favour of it. */
  delete({ node, fingerprint }: PendingRequest): void {
    this.#requests.delete(key(node, fingerprint));
  }

  #matching(node: string, prefix: string, nowMs: number): PendingRequest[] {
    return this.open(nowMs).filter((request) => request.node === node && request.fingerprint.startsWith(prefix));
  }

  #forget(nowMs: number): void {
    for (const [name, { lastMs }] of this.#requests) if (nowMs > lastMs + forgottenMs) this.#requests.delete(name);
  }
}

function key(node: string, fingerprint: string): string {
  return `${fingerprint} ${node}`;
}
