// What this build calls itself: VERSION-RELEASE, as a package has it, and where it comes from. The version is in package.json.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };

export const version = manifest.version;
/** Who answers for it, with an address, as packages name people. Whoever distributes packages of their own puts themselves there. */
export const maintainer = manifest.author;

export interface Origin {
  /** 1 for a tagged version and for a tree that nobody knows, else a snapshot's date and commit. */
  readonly release: string;
  readonly commit: string;
  /** When it was committed, in seconds since 1970: the date of all files in packages, so that two builds are the same. */
  readonly date: number;
}

/** In a source tarball, which has no git, this tells. */
export const originFile = ".origin.json";

/** Where this tree comes from; a package's build may give the release that its distribution calls it by. */
export function origin(): Origin {
  const top = join(import.meta.dir, "..");
  const told = join(top, originFile);
  const known: Origin = existsSync(told) ? JSON.parse(readFileSync(told, "utf8")) : committed(top);
  return { ...known, release: process.env.RELEASE || known.release };
}

function committed(top: string): Origin {
  const [stamp, commit, date] = git(top, "log", "-1", "--date=format-local:%Y%m%d%H%M", "--format=%cd %h %ct");
  if (stamp === undefined || commit === undefined) return { release: "1", commit: "unknown", date: 0 };
  const [tag] = git(top, "describe", "--exact-match", "--match", `v${version}`);
  return { release: tag === undefined ? `0.${stamp}.git${commit}` : "1", commit, date: Number(date) };
}

/** The words of a git command's output; none when it fails, or when this folder is not the top of a checkout (but lies in one). */
function git(top: string, ...command: string[]): string[] {
  const run = (argv: string[]) => {
    const env = { ...process.env, TZ: "UTC" };
    const { success, stdout } = Bun.spawnSync(["git", "-c", "core.abbrev=10", ...argv], {
      cwd: top,
      env,
      stderr: "ignore",
    });
    return success ? stdout.toString().trim() : undefined;
  };
  if (Bun.which("git") === null || run(["rev-parse", "--show-prefix"]) !== "") return [];
  return run(command)?.split(" ") ?? [];
}
