// How a program of ours is compiled.
import { places } from "./places.ts";
import { runtime } from "./runtime.ts";
import { origin, version } from "./version.ts";

export async function compile(entry: string, outfile: string, target?: Bun.Build.CompileTarget): Promise<void> {
  const { release, commit } = origin();
  await Bun.build({
    entrypoints: [entry],
    target: "bun",
    format: "esm",
    minify: true,
    bytecode: true,
    // Only the parts of the chosen role are loaded, not one file with all of them.
    splitting: true,
    plugins: [places],
    define: {
      "process.env.BLUECHI_VERSION": JSON.stringify(version),
      "process.env.BLUECHI_RELEASE": JSON.stringify(release),
      "process.env.BLUECHI_COMMIT": JSON.stringify(commit),
    },
    compile: {
      outfile,
      ...(target === undefined ? {} : { target, execPath: await runtime(target) }),
      // Root runs this in folders of other people, whose files must not become its code or its environment.
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
    },
  });
}
