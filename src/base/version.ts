// The build replaces these two expressions by literals (bun build --define); in a source tree they may be unset.
const version = process.env.BLUECHI_VERSION;
const release = process.env.BLUECHI_RELEASE;

/** VERSION-RELEASE of the package, as `--version` prints it. */
export const packageVersion = `${version ?? "0.0.0"}-${release ?? "source"}`;
