// Tells log calls where they stand when the executable is compiled: it is minified, so a stack trace in it has only places
// like `/$bunfs/root/bluechi:2:136`, and names of one letter.
import { join, relative } from "node:path";
import type { BunPlugin } from "bun";
import { type Class, type Node, parseSync, Visitor, type VisitorObject } from "oxc-parser";

const top = join(import.meta.dir, "..");
const levels = ["debug", "info", "warn", "error", "audit"];

/** Gives the log calls of what is compiled their places. */
export const places: BunPlugin = {
  name: "places of log calls",
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, async ({ path }) => ({
      contents: addPlaces(relative(top, path), await Bun.file(path).text()),
      loader: "ts",
    }));
  },
};

/**
 * Adds its place (`FILE:LINE FUNC`, see src/base/log.ts) as the last argument to each call of a level on what is called
 * `log` or `#log`. FUNC is the innermost function around it that has a name, after its class's if that has one.
 * @throws SyntaxError
 */
export function addPlaces(file: string, text: string): string {
  const { program, errors } = parseSync(file, text);
  if (errors[0]) throw new SyntaxError(`${file}: ${errors[0].message}`);
  const { names, name } = naming(text);
  const around = ["<module>"];
  const enter = (node: Named) => void around.push(name(node) ?? around.at(-1) ?? "");
  const leave = () => void around.pop();
  let [result, end] = ["", 0];
  new Visitor({
    ...names,
    FunctionDeclaration: enter,
    "FunctionDeclaration:exit": leave,
    FunctionExpression: enter,
    "FunctionExpression:exit": leave,
    ArrowFunctionExpression: enter,
    "ArrowFunctionExpression:exit": leave,
    // On the way out, so that a call inside of an argument comes before the end of that argument.
    "CallExpression:exit"({ callee, arguments: given }) {
      const last = given.at(-1);
      if (!last || callee.type !== "MemberExpression" || !isLog(callee.object)) return;
      if (callee.computed || !levels.includes(callee.property.name)) return;
      const line = text.slice(0, callee.property.start).split("\n").length;
      result += `${text.slice(end, last.end)}, ${JSON.stringify(`${file}:${line} ${around.at(-1)}`)}`;
      end = last.end;
    },
  }).visit(program);
  return result + text.slice(end);
}

function isLog(node: Node): boolean {
  if (node.type === "MemberExpression") return !node.computed && node.property.name === "log";
  return node.type === "Identifier" && node.name === "log";
}

type Named = Node & { readonly id?: { readonly name: string } | null };

/** Names of functions and classes as JavaScript gives them: their own, or that of what they are the value of. */
function naming(text: string) {
  const given = new Map<Node, string>();
  const name = (node: Named) => node.id?.name ?? given.get(node);
  const keyOf = ({ key, computed }: { key: Node; computed: boolean }) => {
    const source = text.slice(key.start, key.end);
    return computed ? `[${source}]` : source;
  };
  const nameMembers = (node: Class) => {
    const prefix = name(node) ? `${name(node)}.` : "";
    for (const member of node.body.body)
      if ("value" in member && member.value) given.set(member.value, prefix + keyOf(member));
  };
  const names: VisitorObject = {
    VariableDeclarator({ id, init }) {
      if (id.type === "Identifier" && init) given.set(init, id.name);
    },
    Property: (node) => void given.set(node.value, keyOf(node)),
    ClassDeclaration: nameMembers,
    ClassExpression: nameMembers,
  };
  return { names, name };
}
