import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A message bus of a test's own. */
export interface TestBus {
  readonly address: string;
  /** Ends the bus as a crash would. */
  kill(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const configuration = (
  folder: string,
) => `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir=${folder}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
    <deny own="org.example.Denied"/>
  </policy>
  <limit name="max_replies_per_connection">50000</limit>
</busconfig>
`;

/** Starts a dbus-daemon in a folder of its own. */
export async function startTestBus(): Promise<TestBus> {
  const folder = mkdtempSync(join(tmpdir(), "bluechi-bus-"));
  const file = join(folder, "bus.conf");
  writeFileSync(file, configuration(folder));
  const daemon = Bun.spawn(["dbus-daemon", `--config-file=${file}`, "--nofork", "--print-address"], {
    stdout: "pipe",
    stderr: "ignore",
  });
  const { value } = await daemon.stdout.getReader().read();
  const address = new TextDecoder().decode(value).trim();
  const kill = async () => {
    daemon.kill("SIGKILL");
    await daemon.exited;
    rmSync(folder, { recursive: true, force: true });
  };
  return { address, kill, [Symbol.asyncDispose]: kill };
}
