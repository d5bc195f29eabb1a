/** A test that failed, as a report of `bun test --reporter=junit` has it. */
export interface Failure {
  /** File and line. */
  readonly place: string;
  /** With the names of the groups that it is in. */
  readonly name: string;
  readonly message: string;
}

/** The failed tests of a report; none when it is empty. */
export function failures(xml: string): Failure[] {
  const cases = xml.matchAll(/<testcase ([^>]*[^/])>\s*<failure ([^>]*)>/g);
  return [...cases].map(([, test = "", failure = ""]) => ({
    place: `${attribute(test, "file")}:${attribute(test, "line")}`,
    name: [attribute(test, "classname"), attribute(test, "name")].filter((part) => part !== "").join(" > "),
    message: attribute(failure, "message").trim(),
  }));
}

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", "#10": "\n" };

function attribute(attributes: string, name: string): string {
  const value = new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
  return value.replaceAll(/&(#?\w+);/g, (whole, entity: string) => entities[entity] ?? whole);
}
