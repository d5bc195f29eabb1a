// What this build calls itself: VERSION-RELEASE, as a package has it.
import manifest from "../package.json" with { type: "json" };

export const version = manifest.version;

/** Given by a package's build; else 1 for a tagged version and for a tree without git, and a snapshot's date and commit. */
export function release(): string {
  const given = process.env.RELEASE;
  if (given) return given;
  if (git("describe", "--exact-match", "--match", `v${version}`) !== undefined) return "1";
  const commit = git("log", "-1", "--abbrev=10", "--date=format-local:%Y%m%d%H%M", "--format=%cd.git%h");
  return commit === undefined ? "1" : `0.${commit}`;
}

/** The output of a git command, unless it fails or this folder is not the top of a checkout (but lies in another one). */
function git(...command: string[]): string | undefined {
  const run = (argv: string[]) => {
    const { success, stdout } = Bun.spawnSync(["git", ...argv], {
      env: { ...process.env, TZ: "UTC" },
      stderr: "ignore",
    });
    return success ? stdout.toString().trim() : undefined;
  };
  if (Bun.which("git") === null || run(["rev-parse", "--show-prefix"]) !== "") return undefined;
  return run(command);
}
