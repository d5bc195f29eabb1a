// A page of docs as data: prose, and commands with the output that the page promises.
export type Step =
  | { readonly kind: "prose"; readonly text: string }
  | {
      readonly kind: "command";
      readonly host: string;
      /** One line, or several with a here-document. */
      readonly script: string;
      readonly promised: readonly string[];
      /** Whether the promise holds only after a moment: then the command is one that may be repeated. */
      readonly eventually: boolean;
      /** Whether it is promised to fail: to end with another status than 0. */
      readonly fails: boolean;
    };

const fence = /^```(?:console)?(?: (eventually|fails))?$/;
const prompt = /^([a-z]+)# (.*)$/;
const hereDocument = /<<'(\w+)'$/;

export function parseGuide(markdown: string): Step[] {
  const lines = markdown.trimEnd().split("\n");
  const steps: Step[] = [];
  while (lines.length > 0) {
    const prose = lines.splice(
      0,
      indexOr(lines, (line) => fence.test(line)),
    );
    const text = prose.join("\n").trim();
    if (text !== "") steps.push({ kind: "prose", text });
    if (lines.length === 0) break;
    const [, kind] = fence.exec(lines.shift() ?? "") ?? [];
    const block = lines.splice(
      0,
      indexOr(lines, (line) => line === "```"),
    );
    lines.shift();
    steps.push(...commands(block, { eventually: kind === "eventually", fails: kind === "fails" }));
  }
  return steps;
}

function commands(block: string[], promise: { readonly eventually: boolean; readonly fails: boolean }): Step[] {
  const steps: Step[] = [];
  while (block.length > 0) {
    const [, host, first] = prompt.exec(block[0] ?? "") ?? [];
    if (host === undefined || first === undefined) throw new Error(`the guide has no prompt in: ${block[0]}`);
    const end = hereDocument.exec(first)?.[1];
    const length = end === undefined ? 1 : block.indexOf(end) + 1;
    const script = [first, ...block.splice(0, length).slice(1)].join("\n");
    const promised = block.splice(
      0,
      indexOr(block, (line) => prompt.test(line)),
    );
    steps.push({ kind: "command", host, script, promised, ...promise });
  }
  return steps;
}

function indexOr(lines: readonly string[], wanted: (line: string) => boolean): number {
  const index = lines.findIndex(wanted);
  return index < 0 ? lines.length : index;
}

/** Whether the output is as promised. Blanks may be any number; `…` stands for anything within its line. */
export function keeps(promised: readonly string[], output: string): boolean {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  return lines.length === promised.length && promised.every((line, index) => pattern(line).test(lines[index] ?? ""));
}

function pattern(promise: string): RegExp {
  const parts = promise.split(/(\s+|…)/).map((part) => {
    if (part === "…") return ".*";
    return /^\s+$/.test(part) ? "\\s+" : RegExp.escape(part);
  });
  return new RegExp(`^${parts.join("")}\\s*$`);
}

/** A command with an `…` is the line that was printed before and reads so. */
export function completed(script: string, printed: string): string {
  if (!script.includes("…")) return script;
  const line = printed.split("\n").find((each) => pattern(script).test(each));
  if (line === undefined) throw new Error(`nothing like this was printed before: ${script}`);
  return line;
}

/** The section of a page that has this heading, with it. */
export function sectionOf(markdown: string, heading: string): string {
  const section = markdown.split(/^(?=## )/m).find((text) => text.startsWith(`## ${heading}\n`));
  if (section === undefined) throw new Error(`no section is called '${heading}'`);
  return section;
}

/** A page with another section in place of its own with this heading. */
export function withSection(markdown: string, heading: string, section: string): string {
  return markdown.replace(sectionOf(markdown, heading), () => section);
}
