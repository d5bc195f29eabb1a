import type { Clock } from "../base/clock.ts";
import { asFailure, describe, ErrorName, Failure } from "../base/failure.ts";
import type { Log } from "../base/log.ts";
import { type CallOptions, Calls, maxSerial } from "./calls.ts";
import { faultPlan, GoodbyeCode, goodbyePlan, type Row, rowOf, rows, words } from "./codec.ts";
import { compressionFeature } from "./compression.ts";
import { type Frame, FrameType, requestBit } from "./frame.ts";
import { Heartbeat, type HeartbeatOptions } from "./heartbeat.ts";
import type { Limits } from "./limits.ts";
import type { Link } from "./link.ts";
import type { EventFrom, FieldsOf, Handlers, ReplyOf, RequestFrom } from "./messages.ts";
import { type Reader, WireError } from "./reader.ts";
import type { Side } from "./table.ts";

/** What both sides found in each other's greeting. */
export interface Agreement {
  /** The lower one of both protocol numbers. */
  readonly protocol: number;
  /** The features that both have. */
  readonly features: number;
  /** The peer's software version, for people to read. */
  readonly peerVersion: string;
  /** How often the peer sends heartbeats, 0 for never: then it is not taken for lost because it is silent. */
  readonly heartbeatIntervalMs: number;
}

/** What the owner of a session brings along. */
export interface SessionOwner<S extends Side> {
  /** Called in the order of arrival. A Failure of a request's handler reaches the peer as it is. */
  readonly handlers: Handlers<S>;
  readonly heartbeat: HeartbeatOptions;
  /** The session, before any message is handed out. */
  onSession?(session: Session<S>): void;
  /** A heartbeat has arrived. */
  onHeartbeat?(): void;
  /**
   * The session has ended, for a reason in words and the code of the peer's goodbye, if it said one. Called exactly once:
   * from within the owner's own `close`, never from within `call` or `emit`.
   */
  onClose(reason: string, code: number): void;
}

export interface SessionParts<S extends Side> {
  readonly side: S;
  readonly link: Link;
  readonly owner: SessionOwner<S>;
  readonly agreement: Agreement;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log?: Log | undefined;
}

/**
 * An accepted connection: requests and their replies, and events, in both directions. Frames are handled in the order
 * of arrival, each before the next; who awaits a call goes on before the frame after its answer is handled. Its bounds are those of `Limits`.
 */
export class Session<S extends Side> {
  /** The peer's address, as its transport has it. */
  readonly peer: string;
  readonly agreement: Agreement;
  /** Whether nobody on the way can read or change what is said: there is TLS, or no way, as with the unix socket. */
  readonly secure: boolean;
  /** Whether a silent peer is taken for lost in the end. */
  readonly watched: boolean;
  /** Resolves once the peer knows of the end, or cannot be told: `closeGraceMs` after it at the latest. */
  readonly gone: Promise<void>;
  /** Events of a type that this version does not know, which were skipped. */
  skippedEvents = 0;
  readonly #parts: SessionParts<S>;
  readonly #link: Link;
  readonly #calls: Calls;
  readonly #heartbeat: Heartbeat;
  #closed = false;
  #onHold = false;
  /** The peer's requests that have no answer yet. */
  #unanswered = 0;
  /** Bytes of replies sent since nothing was queued. */
  #replyBytes = 0;
  /** Bytes that the peer had taken when the heartbeats looked last. */
  #takenSeen = 0;

  constructor(parts: SessionParts<S>) {
    const { link, clock, limits, owner } = parts;
    const { peer, secure } = link.transport;
    [this.peer, this.secure] = [peer, secure || peer === ""];
    [this.agreement, this.gone] = [parts.agreement, link.gone];
    [this.#parts, this.#link] = [parts, link];
    this.#calls = new Calls(clock, limits.maxPending);
    const port = { beat: () => link.beat(), heardMs: () => this.#heardMs(), lost: () => this.#lost() };
    const thresholdMs = this.agreement.heartbeatIntervalMs === 0 ? 0 : owner.heartbeat.thresholdMs;
    this.watched = thresholdMs > 0;
    this.#heartbeat = new Heartbeat({ ...owner.heartbeat, thresholdMs }, port, clock);
    const ended = (reason: string) => this.#end(reason);
    const user = { frame: (frame: Frame) => this.#receive(frame), drained: () => this.#drained(), ended };
    link.handOver(user, limits.maxFrame, (this.agreement.features & compressionFeature) !== 0);
    owner.onSession?.(this);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** When something arrived from the peer last, in ms of the clock. */
  get heardMs(): number {
    return this.#link.heardMs;
  }

  /**
   * Asks the peer and waits for its answer.
   * @returns rejects with the peer's Failure; NoReply after the timeout or when the session ends; LimitsExceeded when the
   * message is too large or too many calls are pending; InvalidArgs when a value is not of its type.
   */
  call<N extends RequestFrom<S>>(name: N, fields: FieldsOf<N>, options: CallOptions = {}): Promise<ReplyOf<N>> {
    if (this.#closed) return Promise.reject(terminated());
    const row = rows[name];
    try {
      const serial = this.#calls.nextSerial();
      this.#link.send(row.id | requestBit, serial, row.fields, fields);
      return this.#calls.add(serial, row.reply, options) as Promise<ReplyOf<N>>;
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  /**
   * Tells the peer, without `hurry` together with what is sent next. Does nothing when the session has ended.
   * @throws Failure LimitsExceeded when the message is too large, InvalidArgs when a value is not of its type.
   */
  emit<N extends EventFrom<S>>(name: N, fields: FieldsOf<N>, hurry = true): void {
    if (this.#closed) return;
    const row = rows[name];
    this.#link.send(row.id, undefined, row.fields, fields, hurry);
  }

  /** Stops reading what the peer says, or goes on. It is not taken for lost meanwhile. */
  hold(held: boolean): void {
    this.#onHold = held;
    this.#balance();
  }

  /** Says goodbye, for a reason in words that the peer is told, and ends the session. */
  close(reason: string, code: GoodbyeCode = GoodbyeCode.other): void {
    if (this.#closed) return;
    this.#link.send(FrameType.goodbye, undefined, goodbyePlan, { reason: words(reason), code });
    this.#link.close();
    this.#end(reason);
  }

  #end(reason: string, code: number = GoodbyeCode.other): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#heartbeat.stop();
    this.#calls.rejectAll(terminated);
    this.#parts.owner.onClose(reason, code);
  }

  #receive(frame: Frame): void {
    if (frame.type === FrameType.heartbeat) {
      if (this.#parts.side === "controller") this.#heartbeat.answer();
      this.#parts.owner.onHeartbeat?.();
      return;
    }
    const reader = frame.reader();
    switch (frame.type) {
      case FrameType.reply:
        this.#calls.resolve(reader.varint(maxSerial), reader);
        this.#link.yield();
        break;
      case FrameType.fault: {
        const serial = reader.varint(maxSerial);
        const { error, message } = reader.fields(faultPlan) as { error: string; message: string };
        this.#calls.reject(serial, new Failure(error || ErrorName.Failed, words(message)));
        this.#link.yield();
        break;
      }
      case FrameType.goodbye: {
        const { reason, code } = reader.fields(goodbyePlan) as { reason: string; code: number };
        // First the owner knows, then the peer that it does: it may say hello elsewhere as soon as the connection is gone.
        this.#end(reason, code);
        this.#link.close();
        break;
      }
      default:
        this.#dispatch(frame.type, reader);
    }
  }

  #dispatch(type: number, reader: Reader): void {
    const id = type & ~requestBit;
    const isRequest = type !== id;
    const row = rowOf(id);
    if (id < 16) throw new WireError(`frame type ${type} has no place here`);
    if (row && (row.from === this.#parts.side || (row.kind === "request") !== isRequest)) {
      throw new WireError(`${row.name} is not the peer's to send as ${isRequest ? "a request" : "an event"}`);
    }
    if (isRequest) {
      const serial = reader.varint(maxSerial);
      this.#unanswered++;
      if (row) this.#request(row, serial, reader.fields(row.fields));
      else this.#refuse(serial, new Failure(ErrorName.UnknownMethod, `Unknown request ${id}`));
      this.#balance();
    } else if (row) {
      this.#event(row, reader.fields(row.fields));
    } else {
      this.skippedEvents++;
    }
  }

  #event(row: Row, fields: object): void {
    try {
      this.#handler(row)(fields);
    } catch (thrown) {
      this.#parts.log?.error(`Handling ${row.name} failed: ${describe(thrown)}`);
    }
  }

  #request(row: Row, serial: number, fields: object): void {
    try {
      const result = this.#handler(row)(fields);
      if (result instanceof Promise) {
        result.then(
          (reply) => this.#answer(row, serial, reply),
          (thrown) => this.#refuse(serial, thrown, row),
        );
      } else {
        this.#answer(row, serial, result);
      }
    } catch (thrown) {
      this.#refuse(serial, thrown, row);
    }
  }

  #handler(row: Row): (fields: object) => unknown {
    const handlers = this.#parts.owner.handlers as Record<string, (fields: object) => unknown>;
    return handlers[row.name] as (fields: object) => unknown;
  }

  #answer(row: Row, serial: number, reply: unknown): void {
    let size: number;
    try {
      size = this.#link.send(FrameType.reply, serial, row.reply, reply as object);
    } catch (thrown) {
      this.#refuse(serial, thrown, row);
      return;
    }
    this.#answered(size);
  }

  #refuse(serial: number, thrown: unknown, row?: Row): void {
    if (!(thrown instanceof Failure)) this.#parts.log?.error(`Answering ${row?.name} failed: ${describe(thrown)}`);
    const { errorName, message } = asFailure(thrown);
    const fault = { error: words(errorName), message: words(message) };
    this.#answered(this.#link.send(FrameType.fault, serial, faultPlan, fault));
  }

  #answered(size: number): void {
    this.#unanswered--;
    this.#replyBytes += size;
    this.#balance();
  }

  #drained(): void {
    this.#replyBytes = 0;
    this.#balance();
  }

  /** Reads on, or not: depending on how much of what the peer asked for is still here. */
  #balance(): void {
    if (this.#closed) return;
    if (this.#onHold || this.#busy || this.#clogged) this.#link.hold();
    else this.#link.release();
  }

  get #busy(): boolean {
    return this.#unanswered >= this.#parts.limits.maxPending;
  }

  get #clogged(): boolean {
    return Math.min(this.#replyBytes, this.#link.queuedBytes) > this.#parts.limits.highWaterBytes;
  }

  /**
   * When the peer showed life last. While we do not read it cannot speak: then it lives if it takes what is queued, and
   * is not to blame as long as its requests wait for us, or our owner is not ready for it.
   */
  #heardMs(): number {
    const taken = this.#link.takenBytes;
    const taking = taken > this.#takenSeen;
    this.#takenSeen = taken;
    if (this.#link.held && (taking || this.#busy || this.#onHold)) this.#link.heardMs = this.#parts.clock.monotonicMs();
    return this.#link.heardMs;
  }

  #lost(): void {
    const what = this.#link.held ? "peer does not read" : "no heartbeat";
    this.close(`${what} for ${this.#parts.owner.heartbeat.thresholdMs} ms`);
  }
}

const terminated = () => new Failure(ErrorName.NoReply, "Connection terminated");
