// Makes the one executable: bun scripts/build.ts OUTFILE [TARGET], with a TARGET such as bun-linux-arm64 for another kind
// of machine.
import { compile } from "./compile.ts";

const [outfile, target] = process.argv.slice(2);
if (outfile === undefined) throw new Error("usage: build.ts OUTFILE [TARGET]");
await compile("src/main.ts", outfile, target as Bun.Build.CompileTarget | undefined);
