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

/** What the classes of characters, as `[:digit:]`, stand for in a list. */
const classes: Record<string, string> = {
  alnum: "A-Za-z0-9",
  alpha: "A-Za-z",
  digit: "0-9",
  lower: "a-z",
  punct: "!-\\/:-@\\[-`\\{-~",
  space: "\\s",
  upper: "A-Z",
  xdigit: "0-9A-Fa-f",
};

/** Takes a list of characters off `rest`; a bracket that is never closed is just that character. */
function brackets(rest: string[]): string {
  const inverted = rest[0] === "!" || rest[0] === "^";
  const start = inverted ? 1 : 0;
  let list = "";
  let at = start;
  // What stands in the list next, without the backslash before it.
  const character = () => (rest[at] === "\\" && at + 1 < rest.length ? rest[++at] : rest[at]) ?? "";
  // A closing bracket in the first place belongs to the list.
  for (; at < rest.length && (rest[at] !== "]" || at === start); at++) {
    const [whole = "", name = ""] = /^\[:([a-z]+):\]/.exec(rest.slice(at).join("")) ?? [];
    if (Object.hasOwn(classes, name)) {
      list += classes[name];
      at += whole.length - 1;
      continue;
    }
    const from = character();
    let to = from;
    if (rest[at + 1] === "-" && at + 2 < rest.length && rest[at + 2] !== "]") {
      at += 2;
      to = character();
    }
    // A range that ends before it begins has nothing in it.
    if (from <= to) list += `${literal(from)}-${literal(to)}`;
  }
  if (at >= rest.length) return literal("[");
  rest.splice(0, at + 1);
  return `[${inverted ? "^" : ""}${list}]`;
}
