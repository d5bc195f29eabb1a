// A program for compile.test.ts: tells what it took from the folder that it was started in, and logs.
import { Log } from "../../src/base/log.ts";

const probe = {
  tell(log: Log): void {
    log.info("told");
  },
};

console.log(JSON.stringify({ env: process.env.FROM_DOTENV, preloaded: Reflect.has(globalThis, "preloaded") }));
probe.tell(new Log({ target: "stderr-full" }));
