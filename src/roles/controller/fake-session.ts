import type { FieldsOf, MessageName } from "../../wire/messages.ts";
import type { Session } from "../../wire/session.ts";

/** A session whose agent is the test: what is sent to it is kept, and calls wait for the test's answer. */
export class FakeSession {
  /** What was sent, as `name unit` or `name field…`. */
  readonly sent: string[] = [];
  readonly #calls = new Map<string, PromiseWithResolvers<unknown>>();
  closedFor: string | undefined;
  heardMs = 0;
  watched = true;

  /** Itself as what the code under test takes. */
  get session(): Session<"controller"> {
    return this as unknown as Session<"controller">;
  }

  call<N extends MessageName>(name: N, fields: FieldsOf<N>): Promise<unknown> {
    const line = asLine(name, fields);
    this.sent.push(line);
    const answer = Promise.withResolvers<unknown>();
    this.#calls.set(line, answer);
    return answer.promise;
  }

  emit<N extends MessageName>(name: N, fields: FieldsOf<N>): void {
    this.sent.push(asLine(name, fields));
  }

  close(reason: string): void {
    this.closedFor = reason;
  }

  /** Answers the call that was kept as `line`, and lets what waits for it go on. */
  async answer(line: string, reply: unknown): Promise<void> {
    this.#take(line).resolve(reply);
    await settled();
  }

  async refuse(line: string, error: unknown): Promise<void> {
    this.#take(line).reject(error);
    await settled();
  }

  /** What was sent since it was last taken. */
  take(): string[] {
    return this.sent.splice(0);
  }

  #take(line: string): PromiseWithResolvers<unknown> {
    const call = this.#calls.get(line);
    if (!call) throw new Error(`'${line}' was not called, but ${[...this.#calls.keys()].join("; ")}`);
    this.#calls.delete(line);
    return call;
  }
}

function asLine(name: string, fields: object): string {
  return [name, ...Object.values(fields)].join(" ");
}

/** Resolves when all promises that were ready have run on. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}
