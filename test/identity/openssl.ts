import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What openssl(1) makes and says, in a folder of its own: the reference for ours, and the maker of what ours never makes. */
export class OpenSsl {
  readonly folder = mkdtempSync(join(tmpdir(), "bluechi-openssl-"));

  /** Keeps a text or bytes in a file. @returns its path. */
  file(name: string, content: string | Uint8Array): string {
    const path = join(this.folder, name);
    writeFileSync(path, content);
    return path;
  }

  /** Runs openssl. @returns what it printed, its complaints too, and its exit status. */
  async run(line: string): Promise<{ text: string; status: number }> {
    const child = Bun.spawn(["openssl", ...line.split(" ")], { cwd: this.folder, stdio: ["ignore", "pipe", "pipe"] });
    const [out, err, status] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { text: out + err, status };
  }

  /** As `run`, for what has to succeed. */
  async say(line: string): Promise<string> {
    const { text, status } = await this.run(line);
    if (status !== 0) throw new Error(`openssl ${line}: ${text}`);
    return text;
  }
}
