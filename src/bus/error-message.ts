import type { Body } from "../base/body.ts";
import { describe, ErrorName, Failure } from "../base/failure.ts";
import { encodeBody } from "./marshal.ts";
import type { Message } from "./message.ts";
import { isInterfaceName } from "./syntax.ts";
import { decodeBody } from "./unmarshal.ts";

/** The Failure that an error message stands for, with its name and text as they came. */
export function failureOf(message: Message): Failure {
  return new Failure(message.errorName || ErrorName.Failed, message.trouble?.message ?? errorText(message));
}

/** By convention the first value of an error is its text (D-Bus specification, "Error Messages"). */
function errorText(message: Message): string {
  if (!message.body.signature.startsWith("s")) return message.errorName;
  try {
    return String(decodeBody(message.body)[0]);
  } catch (error) {
    return describe(error);
  }
}

/**
 * What an error message says of a Failure. That may have come from another host, and a bad error name or text would cost
 * us the connection.
 */
export function errorContent(failure: Failure): { readonly errorName: string; readonly body: Body } {
  const errorName = isInterfaceName(failure.errorName) ? failure.errorName : ErrorName.Failed;
  return { errorName, body: encodeBody("s", [failure.message.replaceAll("\0", "")]) };
}
