import { emptyBody } from "../base/body.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { ErrorName, Failure } from "../base/failure.ts";
import { authenticate } from "./authentication.ts";
import type { Call, MethodCall, OpenOptions, OutgoingSignal, Signal, Watch } from "./calls.ts";
import * as driver from "./driver.ts";
import { errorContent, failureOf } from "./error-message.ts";
import { guard } from "./guard.ts";
import { CallHeaders, callFlags, ReplyHeaders, stampHeader } from "./headers.ts";
import { type Answers, IncomingCall } from "./incoming-call.ts";
import type { MatchRule } from "./match.ts";
import { encodeHeader, type Message, MessageFlag, MessageReader, MessageType, type Wants } from "./message.ts";
import { Outbox } from "./outbox.ts";
import { PendingCalls, type Reply } from "./pending-calls.ts";
import { Receivers } from "./receivers.ts";
import { openStream, type Stream } from "./stream.ts";
import { decodeFirst } from "./unmarshal.ts";

// Bounds: a message of either direction, maxMessage (message.ts): a longer one fails, and its call with it. Bytes on their
// way out (outbox.ts): beyond these the connection closes with a reason. Calls that wait for replies, maxPending; watched
// names, maxWatches (driver.ts): beyond these LimitsExceeded.

const defaultTimeoutMs = 25_000;
/** The same where people may be asked for their password. */
const interactiveTimeoutMs = 150_000;

/** A connection to a message bus, or to a program that speaks D-Bus itself. */
export class BusConnection {
  readonly clock: Clock;
  readonly #stream: Stream;
  readonly #outbox: Outbox;
  readonly #pending: PendingCalls;
  readonly #reader = new MessageReader();
  readonly #names = new driver.NameWatches(this);
  readonly #receivers = new Receivers(this);
  readonly #callHeaders = new CallHeaders();
  readonly #replyHeaders = new ReplyHeaders();
  readonly #answers: Answers = {
    reply: (caller, call, body) => {
      if (this.#lost) return;
      const header = this.#replyHeaders.get(caller, { serial: this.#nextSerial(), call, body });
      this.#put(header, body.bytes, caller, caller);
    },
    error: (destination, replySerial, failure) => {
      if (this.#lost) return;
      const flags = MessageFlag.noReplyExpected;
      this.#send({ type: MessageType.error, flags, destination, replySerial, ...errorContent(failure) });
    },
  };
  readonly #signalListeners: ((signal: Signal) => void)[] = [];
  readonly #closeListeners: ((reason: string) => void)[] = [];
  readonly #interactive: boolean;
  #callHandler: ((call: MethodCall) => void) | undefined;
  #uniqueName = "";
  #serial = 0;
  /** What calls fail with that were pending when the connection ended; undefined while it is open. */
  #lost: Failure | undefined;
  #reason = "";

  private constructor(stream: Stream, clock: Clock, interactive: boolean) {
    this.clock = clock;
    this.#interactive = interactive;
    this.#stream = stream;
    this.#pending = new PendingCalls(clock);
    this.#outbox = new Outbox(stream, clock, () => this.#end("the bus does not read what we send"));
    stream.onDrain = () => this.#outbox.drain();
  }

  /**
   * Connects, authenticates and, on a bus, says Hello: all in one go, as each answer that is waited for takes its time.
   * @param address a D-Bus address, such as systemBusAddress() gives.
   * @throws Failure saying which address and why not.
   */
  static async open(address: string, options: OpenOptions = {}): Promise<BusConnection> {
    const { clock = systemClock, timeoutMs = defaultTimeoutMs, interactive = false, peerToPeer = false } = options;
    const first = peerToPeer ? emptyBody.bytes : encodeHeader(driver.hello);
    const connection = await openStream(address, clock, timeoutMs, async (stream) => {
      const answer = authenticate(stream, first);
      const entering = new BusConnection(stream, clock, interactive);
      if (!peerToPeer) entering.#serial = driver.hello.serial;
      options.begin?.(entering);
      entering.#listen(await answer);
      return entering;
    });
    if (!peerToPeer) await connection.#welcome(timeoutMs);
    return connection;
  }

  /** The name that the bus gave this connection, "" peer to peer. */
  get uniqueName(): string {
    return this.#uniqueName;
  }

  /**
   * Calls a method.
   * @throws Failure with the error's name and text as the other side answered; Timeout; NoReply when the connection is
   * lost before the reply; Disconnected when it is closed already; LimitsExceeded; InvalidArgs for a bad name or path.
   */
  call(call: Call): Promise<Reply> {
    try {
      return this.#call(call);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #call(call: Call): Promise<Reply> {
    if (this.#lost) throw new Failure(ErrorName.Disconnected, "the connection to the bus is closed");
    if (this.#pending.full) throw new Failure(ErrorName.LimitsExceeded, "too many calls wait for replies");
    const { destination = "", path, interface: interfaceName, member, body = emptyBody } = call;
    const timeoutMs = call.timeoutMs ?? (this.#interactive ? interactiveTimeoutMs : defaultTimeoutMs);
    const flags = callFlags(call, this.#interactive);
    const { signature, bytes } = body;
    const header = this.#callHeaders.get({ destination, path, interface: interfaceName, member, flags, signature });
    const serial = this.#nextSerial();
    stampHeader(header, serial, bytes.length);
    this.#put(header, bytes, destination);
    // Sending may have been what ended the connection.
    if (this.#lost) throw this.#lost;
    return call.noReply ? Promise.resolve({ body: emptyBody }) : this.#pending.wait(serial, timeoutMs);
  }

  /** Sends a signal to all who listen; on a closed connection nothing. @throws Failure InvalidArgs for a bad name or path. */
  signal(signal: OutgoingSignal): void {
    const flags = MessageFlag.noReplyExpected;
    if (!this.#lost) this.#send({ type: MessageType.signal, flags, ...signal });
  }

  /**
   * Sends a signal by a header that is made already (signalHeader), to one connection by one that is addressed to it
   * (addressHeader); on a closed one of ours nothing.
   */
  signalBy(header: Uint8Array, body: Uint8Array, destination?: string): void {
    if (this.#lost) return;
    stampHeader(header, this.#nextSerial(), body.length);
    this.#put(header, body, destination);
  }

  /** Hears every signal that arrives, at once and in the order of arrival. Which arrive is a matter of addMatch. */
  onSignal(listener: (signal: Signal) => void): void {
    this.#signalListeners.push(listener);
  }

  /** Sets who says which signals are of any use; listeners are not told of others. */
  onlySignals(wants: Wants): void {
    this.#reader.wants = wants;
  }

  /** Sets who answers calls to us. */
  onCall(handler: (call: MethodCall) => void): void {
    this.#callHandler = handler;
  }

  /** Takes a well-known name. @throws Failure AddressInUse when another has it, AccessDenied in the bus's words. */
  requestName(name: string): Promise<void> {
    return driver.requestName(this, name);
  }

  /** Gives a name back. Returns once the bus has got all that was sent before. @throws Failure Timeout. */
  releaseName(name: string, timeoutMs?: number): Promise<void> {
    return driver.releaseName(this, name, timeoutMs);
  }

  /** Asks the bus for the messages that a rule matches. */
  addMatch(rule: MatchRule): Promise<void> {
    return driver.addMatch(this, rule);
  }

  /** Calls `gone` once when the owner of a bus name leaves the bus, soon when nobody owns it. @throws LimitsExceeded. */
  watchName(name: string, gone: () => void): Watch {
    return this.#names.watch(name, gone);
  }

  /** Calls `slow` once when a bus name does not read what we send to it, so much that the bus would drop some soon. */
  watchReceiver(name: string, slow: () => void): Watch {
    return this.#receivers.watch(name, slow);
  }

  /** Sets who hears that much is queued for a bus that is slow, and that it has left: what can wait should meanwhile. */
  onClogged(handler: (clogged: boolean) => void): void {
    this.#outbox.onClogged = handler;
  }

  /** Hears once when the connection is over, by close() too: after all pending calls have failed. Soon, if it is already. */
  onClose(listener: (reason: string) => void): void {
    if (this.#lost) queueMicrotask(() => guard(() => listener(this.#reason)));
    else this.#closeListeners.push(listener);
  }

  /** Sends what is still on its way out, and ends the connection. */
  close(): void {
    if (this.#lost) return;
    this.#outbox.end();
    this.#finish("closed by us");
  }

  /** Begins to hear what arrives. @param early what has arrived already. */
  #listen(early: Uint8Array): void {
    this.#stream.onEnd = (reason) => this.#end(reason);
    this.#stream.onData = (chunk) => {
      this.#reader.push(chunk);
      this.#dispatchAll();
    };
    this.#reader.push(early);
    // Whoever opens the connection gets it first.
    if (early.length > 0) setImmediate(() => this.#dispatchAll());
  }

  /** Hears what name the bus gives us. */
  async #welcome(timeoutMs: number): Promise<void> {
    try {
      this.#uniqueName = String(decodeFirst((await this.#pending.wait(driver.hello.serial, timeoutMs)).body));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #dispatchAll(): void {
    while (!this.#lost) {
      const message = this.#next();
      if (!message) return;
      this.#dispatch(message);
    }
  }

  #next(): Message | undefined {
    try {
      return this.#reader.next();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.#end(error.message);
      return undefined;
    }
  }

  #dispatch(message: Message): void {
    const { type, replySerial, body, trouble } = message;
    switch (type) {
      case MessageType.methodCall:
        this.#answer(message);
        break;
      case MessageType.methodReturn:
        if (trouble) this.#pending.reject(replySerial, trouble);
        else this.#pending.resolve(replySerial, { body });
        break;
      case MessageType.error:
        this.#pending.reject(replySerial, failureOf(message));
        break;
      case MessageType.signal:
        if (!trouble) for (const listener of this.#signalListeners) guard(() => listener(message));
        break;
      default:
        // Types of the future are to be ignored (D-Bus specification, "Message Format").
        break;
    }
  }

  #answer(message: Message): void {
    const call = new IncomingCall(message, this.#answers);
    if (message.trouble) call.error(new Failure(ErrorName.InvalidArgs, message.trouble.message));
    else if (this.#callHandler) this.#callHandler(call);
    else call.error(new Failure(ErrorName.UnknownObject, `Unknown object '${message.path}'.`));
  }

  #send(message: Outgoing): number {
    const serial = this.#nextSerial();
    const { destination, replySerial, body = emptyBody } = message;
    const replyTo = replySerial === undefined ? undefined : (destination ?? "");
    this.#put(encodeHeader({ ...message, serial }), body.bytes, destination, replyTo);
    return serial;
  }

  #nextSerial(): number {
    do this.#serial = (this.#serial % 0xffff_ffff) + 1;
    while (this.#pending.has(this.#serial));
    return this.#serial;
  }

  #put(header: Uint8Array, body: Uint8Array, destination: string | undefined, replyTo?: string): void {
    this.#outbox.put(header, body, replyTo);
    if (destination) this.#receivers.sent(destination, header.length + body.length);
  }

  /** Gives the connection up: what is still on its way out has nobody to read it. */
  #end(reason: string): void {
    if (this.#lost) return;
    this.#stream.destroy();
    this.#finish(reason);
  }

  #finish(reason: string): void {
    this.#lost = new Failure(ErrorName.NoReply, `the connection to the bus was lost: ${reason}`);
    this.#reason = reason;
    this.#pending.failAll(this.#lost);
    for (const listener of this.#closeListeners) guard(() => listener(reason));
  }
}

type Outgoing = Partial<Message> & { readonly type: number };
