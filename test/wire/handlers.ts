import { rows } from "../../src/wire/codec.ts";
import type { Handlers } from "../../src/wire/messages.ts";
import { zero } from "../../src/wire/reader.ts";
import type { Side } from "../../src/wire/table.ts";

/** Handlers that answer every request with zeros, and what a test has instead. */
export function handlersOf<S extends Side>(side: S, own: Partial<Handlers<S>> = {}): Handlers<S> {
  const incoming = Object.values(rows).filter((row) => row.from !== side);
  const answers = incoming.map((row) => {
    const reply = Object.fromEntries(row.reply.map(({ name, type }) => [name, zero(type)]));
    return [row.name, () => reply];
  });
  return { ...Object.fromEntries(answers), ...own } as Handlers<S>;
}
