// bluechictl on hosts with pure cgroup v2.
import { testCommands } from "./commands.ts";

await testCommands("unified");
