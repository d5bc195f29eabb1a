// A lab for people: bun test/testbed/cli.ts
//   up HOST...            boots hosts with the product installed
//   sh HOST [COMMAND...]  runs a command (or a shell) on a host
//   down                  takes all hosts down that were left running
import { readFile } from "node:fs/promises";
import { base, kept, release } from "./claim.ts";
import { enter } from "./enter.ts";
import { Lab } from "./lab.ts";

const [command, ...rest] = process.argv.slice(2);
switch (command) {
  case "up": {
    const lab = await Lab.open({ installed: true });
    await lab.boot(...rest);
    await lab.keep();
    break;
  }
  case "sh":
    process.exit(await shell(rest));
    break;
  case "down":
    for (const id of kept()) await release(id);
    break;
  default:
    throw new Error("usage: cli.ts up HOST... | sh HOST [COMMAND...] | down");
}

/** Of several kept labs with a host of that name, it is the newest one's. */
async function shell([host, ...argv]: readonly string[]): Promise<number> {
  const leaders = kept().map((id) => readFile(`${base}/${id}/${host}/leader`, "utf8").catch(() => ""));
  const leader = (await Promise.all(leaders)).findLast((pid) => pid !== "");
  if (leader === undefined) throw new Error(`no host ${host} runs`);
  const inside = argv.length > 0 ? argv : ["bash", "-l"];
  return Bun.spawn([...enter(leader), ...inside], { stdio: ["inherit", "inherit", "inherit"] }).exited;
}
