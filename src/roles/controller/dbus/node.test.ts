import { expect, test } from "bun:test";
import { nodeInterface } from "../../../api/node.ts";
import { type Interface, signatureOf } from "../../../bus/interface.ts";
import { managerInterface } from "../../../systemd/manager-interface.ts";

test("the methods that are passed through are systemd's own, with the same signatures", () => {
  const node: Interface = nodeInterface;
  for (const [name, manager] of Object.entries(managerInterface.methods)) {
    const method = node.methods[name];
    expect([name, method && signatureOf(method.in), method && signatureOf(method.out)]).toEqual([
      name,
      signatureOf(manager.in),
      signatureOf(manager.out),
    ]);
  }
});
