/**
 * A test for a glob as fnmatch(3) without flags reads it: `*` and `?` also match `/`, brackets list characters with `!`
 * or `^` for all others, a backslash takes away a meaning.
 */
export function globMatcher(pattern: string): (text: string) => boolean {
  let source = "";
  const rest = [...pattern];
  for (let char = rest.shift(); char !== undefined; char = rest.shift()) {
    if (char === "*") source += ".*";
    else if (char === "?") source += ".";
    else if (char === "[") source += brackets(rest);
    else source += literal(char === "\\" ? (rest.shift() ?? char) : char);
  }
  const expression = new RegExp(`^${source}$`, "su");
  return (text) => expression.test(text);
}

function literal(char: string): string {
  return /[A-Za-z0-9_]/.test(char) ? char : `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`;
}

/** Takes a list of characters off `rest`; a bracket that is never closed is just that character. */
function brackets(rest: string[]): string {
  const inverted = rest[0] === "!" || rest[0] === "^";
  const start = inverted ? 1 : 0;
  // A closing bracket in the first place belongs to the list.
  const end = rest.indexOf("]", start + 1);
  if (end < 0) return literal("[");
  const list = rest.splice(0, end + 1).slice(start, -1);
  const characters = list.map((char, at) => (char === "-" && at > 0 && at < list.length - 1 ? "-" : literal(char)));
  return `[${inverted ? "^" : ""}${characters.join("")}]`;
}
