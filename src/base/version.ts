// The build replaces these expressions by literals (bun build --define); in a source tree they may be unset.
const version = process.env.BLUECHI_VERSION;
const release = process.env.BLUECHI_RELEASE;

/** The commit it was built from. */
export const commit = process.env.BLUECHI_COMMIT ?? "unknown";

/** VERSION-RELEASE of the package, as `--version` prints it. */
export const packageVersion = `${version ?? "0.0.0"}-${release ?? "source"}`;
