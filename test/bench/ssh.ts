// What people take without bluechi: a command on another host by ssh.
import { join } from "node:path";
import type { Host } from "../testbed/host.ts";

const key = "/root/.ssh/bench";

/** Lets root of one host run commands on another without a password. @returns what to write before such a command. */
export async function sshFrom(here: Host, there: Host): Promise<string> {
  await here.sh(`mkdir -p -m 700 /root/.ssh && ssh-keygen -q -t ed25519 -N '' -f ${key}`);
  const pub = await Bun.file(join(here.root, `${key}.pub`)).text();
  await there.write("/root/.ssh/authorized_keys", pub, 0o600);
  // Debian's own unit has names looked up; what counts here is the least that ssh takes.
  await there.sh("ssh-keygen -A && mkdir -p /run/sshd && systemd-run --quiet --unit=bench-sshd sshd -D -o UseDNS=no");
  const ssh = `ssh -i ${key} -o BatchMode=yes -o StrictHostKeyChecking=accept-new root@${there.address}`;
  await here.sh(`for _ in {1..100}; do ${ssh} true && exit; sleep 0.1; done; exit 1`);
  return ssh;
}
