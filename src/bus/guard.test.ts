import { expect, test } from "bun:test";
import { join } from "node:path";

test("a listener's Failure is its own, a broken invariant ends the process once the others have been served", async () => {
  const program = `
    import { Failure } from ${JSON.stringify(join(import.meta.dir, "../base/failure.ts"))};
    import { guard } from ${JSON.stringify(join(import.meta.dir, "guard.ts"))};
    process.on("uncaughtException", ({ message }) => { console.log(message); process.exit(1); });
    guard(() => { throw new Failure("a.b", "malformed"); });
    guard(() => { throw new Error("broken"); });
    guard(() => console.log("served"));
  `;
  const { exited, stdout } = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe" });
  expect(await new Response(stdout).text()).toBe("served\nbroken\n");
  expect(await exited).toBe(1);
});
