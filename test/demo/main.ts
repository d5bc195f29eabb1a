// `make demo`: boots the two machines of docs/guide.md with the product installed and walks through the guide. With SECURE=1
// in the environment they join a cluster first, as docs/joining.md has it; with KEEP=1 they go on running afterwards.
import { Lab } from "../testbed/lab.ts";
import { secure, walk } from "./walk.ts";

const lab = await Lab.open({ installed: true });
const keep = Boolean(process.env.KEEP);
process.once("SIGINT", async () => {
  await lab.close();
  process.exit(130);
});
try {
  console.log("Booting two machines, laptop and pi …");
  const way = process.env.SECURE ? secure : {};
  await walk(await lab.boot("laptop", "pi"), (text) => process.stdout.write(text), way);
  console.log("\nEverything went as the guide says.");
} catch (error) {
  console.error(`\n${(error as Error).message}\n\n${await lab.journals()}`);
  process.exitCode = 1;
} finally {
  if (keep) {
    await lab.keep();
    const cli = `${process.argv0} test/testbed/cli.ts`;
    console.log(
      `\nThe machines go on running. Get into one with\n  ${cli} sh laptop\nand take both down with\n  ${cli} down`,
    );
  } else await lab.close();
}
