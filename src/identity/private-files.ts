import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

/** Bytes that a file may have which is read. */
const maxBytes = 16 * 1024 * 1024;

/**
 * Writes a file that only its owner may read, so that a power loss leaves either what was there before or this.
 * @throws Error of the file system.
 */
export function writePrivate(path: string, text: string): void {
  const fresh = `${path}.new`;
  // One that was left behind may be readable by others.
  rmSync(fresh, { force: true });
  writeFileSync(fresh, text, { flush: true, flag: "wx", mode: 0o600 });
  renameSync(fresh, path);
  flushFolder(dirname(path));
}

/** Removes a file, for good once this returns. */
export function removePrivate(path: string): void {
  rmSync(path, { force: true });
  flushFolder(dirname(path));
}

/** Makes a folder that only its owner may look into, unless it is there. */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

/** @returns undefined when there is no such file. @throws Error of the file system, or for a file of more than 16 MiB. */
export function readPrivate(path: string): string | undefined {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return undefined;
  if (size > maxBytes) throw new Error(`'${path}' has ${size} bytes`);
  return readFileSync(path, "utf8");
}

/** Returns when what a folder lists is on the disk. */
function flushFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
