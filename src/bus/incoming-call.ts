import { type Body, emptyBody } from "../base/body.ts";
import type { Failure } from "../base/failure.ts";
import type { MethodCall } from "./calls.ts";
import { guard } from "./guard.ts";
import { type Message, MessageFlag } from "./message.ts";

/** What answers go out by. */
export interface Answers {
  reply(caller: string, serial: number, body: Body): void;
  error(caller: string, serial: number, failure: Failure): void;
}

/** A call that has arrived. */
export class IncomingCall implements MethodCall {
  readonly sender: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly body: Body;
  readonly noReply: boolean;
  readonly interactive: boolean;
  readonly #serial: number;
  readonly #answers: Answers;
  #after: (() => void)[] | undefined;

  constructor(message: Message, answers: Answers) {
    this.sender = message.sender;
    this.path = message.path;
    this.interface = message.interface;
    this.member = message.member;
    this.body = message.body;
    this.noReply = (message.flags & MessageFlag.noReplyExpected) !== 0;
    this.interactive = (message.flags & MessageFlag.allowInteractiveAuthorization) !== 0;
    this.#serial = message.serial;
    this.#answers = answers;
  }

  reply(body: Body = emptyBody): void {
    if (!this.noReply) this.#answers.reply(this.sender, this.#serial, body);
    if (this.#after) for (const work of this.#after) guard(work);
  }

  error(failure: Failure): void {
    if (!this.noReply) this.#answers.error(this.sender, this.#serial, failure);
  }

  afterReply(work: () => void): void {
    this.#after ??= [];
    this.#after.push(work);
  }
}
