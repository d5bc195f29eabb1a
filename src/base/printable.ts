// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is meant.
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
/** The same, but for the colours that we write. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above.
const orders = /\u001b(?!\[(?:0|3[1-6])m)|[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f]/g;

/** A text without control characters, but for tabs and ends of lines: a `?` stands for each. */
export function printable(text: string): string {
  return text.replaceAll(controls, "?");
}

/**
 * A text that has a terminal do nothing but show it, maybe in colours: what others have said, such as a node of one of its units,
 * may carry orders to move the cursor, to hide lines, or worse.
 */
export function harmless(text: string): string {
  return text.replaceAll(orders, "?");
}
