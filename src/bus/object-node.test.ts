import { expect, test } from "bun:test";
import { ObjectNodes, type Part } from "./object-node.ts";

const part = (name: string) => ({ table: { name } }) as unknown as Part;

test("a path is there while something is at it or below it", () => {
  const nodes = new ObjectNodes();
  const [one, two, deep] = [part("a.One"), part("a.Two"), part("a.Deep")];
  nodes.add("/a/b", one);
  nodes.add("/a/b", two);
  nodes.add("/a/b/c/d", deep);
  const shape = () =>
    ["/", "/a", "/a/b", "/a/b/c", "/a/b/c/d"].map((path) => {
      const node = nodes.find(path);
      return node && `${node.parts.length} ${[...node.children].join()}`;
    });
  expect(shape()).toEqual(["0 a", "0 b", "2 c", "0 d", "1 "]);
  expect([nodes.find("/b"), nodes.find("/a/"), nodes.find("")]).toEqual([undefined, undefined, undefined]);
  nodes.remove("/a/b", one);
  nodes.remove("/a/b", one);
  nodes.remove("/nope", one);
  expect(shape()).toEqual(["0 a", "0 b", "1 c", "0 d", "1 "]);
  nodes.remove("/a/b/c/d", deep);
  expect(shape()).toEqual(["0 a", "0 b", "1 ", undefined, undefined]);
  nodes.remove("/a/b", two);
  expect(shape()).toEqual(["0 ", undefined, undefined, undefined, undefined]);
  nodes.add("/", one);
  nodes.remove("/", one);
  expect(nodes.find("/")).toEqual({ parts: [], children: new Set() });
});
