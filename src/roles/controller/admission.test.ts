import { expect, test } from "bun:test";
import { contextTrouble } from "./admission.ts";

const context = "system_u:system_r:bluechi_agent_t:s0";

for (const [required, actual, trouble] of [
  ["", undefined, undefined],
  ["", context, undefined],
  [context, context, undefined],
  [context, undefined, `its SELinux context is not known, '${context}' is required`],
  [context, `${context}:c1`, `its SELinux context is '${context}:c1', '${context}' is required`],
  [context, "unconfined", `its SELinux context is 'unconfined', '${context}' is required`],
] as const) {
  test(`required '${required}', actual '${actual}': ${trouble ?? "welcome"}`, () => {
    expect(contextTrouble(required, actual)).toBe(trouble);
  });
}
