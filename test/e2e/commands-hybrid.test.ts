// bluechictl on hosts with cgroup v1 and v2 side by side.
import { testCommands } from "./commands.ts";

await testCommands("hybrid");
