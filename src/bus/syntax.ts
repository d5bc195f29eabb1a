// The names of D-Bus (D-Bus specification, "Valid Names" and "Valid Object Paths"). A message with a bad one costs the
// sender its connection, so they are checked before anything is sent.

const objectPath = /^\/(?:[A-Za-z0-9_]+(?:\/[A-Za-z0-9_]+)*)?$/;
const interfaceName = /^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+$/;
const memberName = /^[A-Za-z_][A-Za-z0-9_]*$/;
const busName = /^(?::[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+|[A-Za-z_-][A-Za-z0-9_-]*(?:\.[A-Za-z_-][A-Za-z0-9_-]*)+)$/;
const maxName = 255;

export function isObjectPath(text: string): boolean {
  return objectPath.test(text);
}

/** Whether a text can name an interface or an error. */
export function isInterfaceName(text: string): boolean {
  return text.length <= maxName && interfaceName.test(text);
}

export function isMemberName(text: string): boolean {
  return text.length <= maxName && memberName.test(text);
}

/** Whether a text can name a connection, by a unique or by a well-known name. */
export function isBusName(text: string): boolean {
  return text.length <= maxName && busName.test(text);
}
