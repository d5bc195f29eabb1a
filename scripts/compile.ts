// How a program of ours is compiled.
import { places } from "./places.ts";
import { release, version } from "./version.ts";

export async function compile(entry: string, outfile: string, target?: Bun.Build.CompileTarget): Promise<void> {
  await Bun.build({
    entrypoints: [entry],
    target: "bun",
    format: "cjs",
    minify: true,
    bytecode: true,
    plugins: [places],
    // dbus-next asks for these two only on systems without Unix sockets and for X11 sessions.
    external: ["usocket", "x11"],
    define: {
      "process.env.BLUECHI_VERSION": JSON.stringify(version),
      "process.env.BLUECHI_RELEASE": JSON.stringify(release()),
    },
    compile: {
      outfile,
      ...(target === undefined ? {} : { target }),
      // Root runs this in folders of other people, whose files must not become its code or its environment.
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
    },
  });
}
