import { type MessageName, messages } from "./messages.ts";
import { type Plan, planOf } from "./plan.ts";
import type { Message, Side } from "./table.ts";

/** A row of the message table, ready for use. */
export interface Row {
  readonly name: MessageName;
  readonly id: number;
  readonly from: Side;
  readonly kind: "request" | "event";
  readonly fields: Plan;
  readonly reply: Plan;
}

/** The table by name. */
export const rows = Object.fromEntries(
  Object.entries(messages as Record<string, Message>).map(([name, message]) => [
    name,
    {
      ...message,
      name,
      fields: planOf(message.fields),
      reply: planOf(message.kind === "request" ? message.reply : {}),
    },
  ]),
) as Record<MessageName, Row>;

const byId: readonly (Row | undefined)[] = Object.values(rows).reduce<(Row | undefined)[]>((sofar, row) => {
  sofar[row.id] = row;
  return sofar;
}, []);

/** The row with an id, or undefined when this version knows none. */
export function rowOf(id: number): Row | undefined {
  return byId[id];
}

/** Fields of the frames that carry words: the error of a call, the reason of a goodbye. */
export const faultPlan = planOf({ error: "s", message: "s" });
export const goodbyePlan = planOf({ reason: "s", code: "y" });
export const emptyPlan: Plan = [];

/** What a goodbye says to programs, beside its reason in words. Codes that are not known count as `other`. */
export const GoodbyeCode = {
  other: 0,
  /** Another agent has connected by the same node's name, and takes its place. */
  displaced: 1,
} as const;
export type GoodbyeCode = (typeof GoodbyeCode)[keyof typeof GoodbyeCode];

/** The longest text of an error or a reason, in characters: it fits a frame of before the hello in any script. */
const maxWords = 1000;

/** Words fit to be sent: short, and without NUL, which no string may hold. */
export function words(text: string): string {
  return text.replaceAll("\0", " ").slice(0, maxWords);
}
