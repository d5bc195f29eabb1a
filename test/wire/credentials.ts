// Certificates for tests, made by openssl: an authority, the controller and a node of a cluster.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TlsCredentials } from "../../src/wire/tls-sockets.ts";

const script = `
set -e
key() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }
key ca
openssl req -x509 -new -key ca.key -days 2 -subj /CN=cluster -out ca.pem -addext keyUsage=critical,keyCertSign
leaf() {
  key $1
  printf "subjectAltName=URI:bluechi://lab/$2\\nextendedKeyUsage=$3\\nbasicConstraints=critical,CA:FALSE\\n" > $1.ext
  openssl req -new -key $1.key -subj /CN=$1 |
    openssl x509 -req -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile $1.ext -out $1.pem 2>/dev/null
}
leaf controller controller serverAuth
leaf node node/node clientAuth
`;

/** Credentials of the controller and of the node `node`, of a new authority. */
export function makeCredentials(): Record<"controller" | "node", TlsCredentials> {
  const folder = mkdtempSync(join(tmpdir(), "bluechi-tls-"));
  try {
    writeFileSync(join(folder, "make.sh"), script);
    const made = Bun.spawnSync(["sh", "make.sh"], { cwd: folder });
    if (!made.success) throw new Error(`${made.stderr}`);
    const text = (name: string) => readFileSync(join(folder, name), "utf8");
    const authorities = [{ pem: text("ca.pem") }];
    const of = (name: string) => ({
      certificate: text(`${name}.pem`) + text("ca.pem"),
      key: text(`${name}.key`),
      authorities,
    });
    return { controller: of("controller"), node: of("node") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
