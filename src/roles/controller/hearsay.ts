import type { Body } from "../../base/body.ts";
import { ErrorName, Failure } from "../../base/failure.ts";
import { Memo } from "../../base/memo.ts";
import { isUnitName } from "../../base/names.ts";
import { validateBody } from "../../bus/validate.ts";

// What nodes tell enters messages of ours, to programs and to other nodes. A node may be broken or hostile, and the bus
// cuts off whoever sends an invalid message, so what a node says is looked at first.

/** The longest word for a state or a result; systemd's own have some 20 letters. */
const maxWord = 64;

/** Bytes of properties in one event. systemd tells changes of some hundred; a monitor may have many peers. */
const maxProperties = 128 * 1024;

/**
 * @param signature that the body should have.
 * @throws Failure when it has another one, or is malformed.
 */
export function checkedBody(body: Body, signature: string, node: string): Body {
  if (body.signature !== signature) {
    throw refused(node, `answers with '${body.signature.slice(0, maxWord)}' where '${signature}' is due`);
  }
  validateBody(body);
  return body;
}

/** The properties in an event. @throws Failure when they are malformed or too many. */
export function checkedProperties(body: Body, node: string): Body {
  if (body.bytes.length > maxProperties) throw refused(node, `tells ${body.bytes.length} bytes of properties at once`);
  return checkedBody(body, "a{sv}", node);
}

/** Units and words that have passed: the same ones come again and again. */
const units = new Memo<string>(2048);
const words = new Memo<string>();

/** @throws Failure when systemd would not have such a unit. */
export function checkedUnit(unit: string, node: string): string {
  const passed = units.get(unit);
  if (passed !== undefined) return passed;
  if (!isUnitName(unit)) throw refused(node, `tells of a unit '${unit.slice(0, maxWord)}'`);
  return units.keep(unit, unit);
}

/** A state or a result. @throws Failure when systemd would not say such a word. */
export function checkedWord(word: string, node: string): string {
  const passed = words.get(word);
  if (passed !== undefined) return passed;
  if (word.length > maxWord || !/^[a-z-]*$/.test(word))
    throw refused(node, `tells a state '${word.slice(0, maxWord)}'`);
  return words.keep(word, word);
}

function refused(node: string, what: string): Failure {
  return new Failure(ErrorName.Failed, `Node '${node}' ${what}`);
}
