// Ours against openssl(1): each reads what the other makes, and believes the same.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { readCertificate, readCertificates, renewalDueMs } from "../../src/identity/certificate.ts";
import { issue, makeAuthority } from "../../src/identity/issuer.ts";
import { makeKey, makeRequest } from "../../src/identity/request.ts";
import { OpenSsl } from "./openssl.ts";

const openssl = new OpenSsl();
const key = makeKey();
const nowMs = Date.now();
let authority: string;
let node: string;
let controller: string;

beforeAll(async () => {
  authority = await makeAuthority("home", key);
  const order = { authorityPem: authority, authorityKeyPem: key, nowMs };
  const [nodeKey, controllerKey] = [makeKey(), makeKey()];
  node = await issue({
    ...order,
    subject: { cluster: "home", role: "node", node: "kühl" },
    request: makeRequest(nodeKey),
  });
  controller = await issue({
    ...order,
    subject: { cluster: "home", role: "controller" },
    request: makeRequest(controllerKey),
    lifetimeMs: 60_000,
  });
  for (const [name, text] of Object.entries({ authority, node, controller, "node.key": nodeKey }))
    openssl.file(name, text);
});
afterAll(() => rmSync(openssl.folder, { recursive: true }));

test("openssl believes our certificates, each for its own use only", async () => {
  const verify = async (name: string, purpose: string) =>
    (await openssl.run(`verify -x509_strict -CAfile authority -purpose ${purpose} ${name}`)).text;
  expect(await verify("node", "sslclient")).toBe("node: OK\n");
  expect(await verify("node", "sslserver")).toContain("unsuitable certificate purpose");
  expect(await verify("controller", "sslserver")).toBe("controller: OK\n");
  expect(await verify("controller", "sslclient")).toContain("unsuitable certificate purpose");
});

test("openssl reads in them what we have written", async () => {
  const text = await openssl.say("x509 -in node -noout -text -nameopt compat");
  for (const part of [
    "Version: 3 (0x2)",
    "Signature Algorithm: ecdsa-with-SHA256",
    "NIST CURVE: P-256",
    "X509v3 Basic Constraints: critical\n                CA:FALSE",
    "X509v3 Key Usage: critical\n                Digital Signature\n",
    "X509v3 Extended Key Usage: critical\n                TLS Web Client Authentication\n",
    "X509v3 Subject Alternative Name: \n                URI:bluechi://home/node/k%C3%BChl\n",
    "X509v3 Authority Key Identifier",
  ])
    expect(text).toContain(part);
  const root = await openssl.say("x509 -in authority -noout -text");
  expect(root).toContain("X509v3 Basic Constraints: critical\n                CA:TRUE, pathlen:0");
  expect(root).toContain("X509v3 Key Usage: critical\n                Certificate Sign\n");
  expect(await openssl.say("x509 -in node -noout -serial -startdate -enddate -dateopt iso_8601")).toBe(
    [
      `serial=${readCertificate(node).serial.toUpperCase()}`,
      `notBefore=${iso(nowMs - 5 * 60_000)}`,
      `notAfter=${iso(nowMs + 90 * 24 * 3600_000)}`,
      "",
    ].join("\n"),
  );
  expect((await openssl.say("x509 -in node -noout -pubkey")).trim()).toBe(
    (await openssl.say("pkey -in node.key -pubout")).trim(),
  );
});

const iso = (ms: number) => new Date(ms).toISOString().replace("T", " ").replace(/\.\d+/, "");

test("we read what openssl makes", async () => {
  await openssl.say("ecparam -name prime256v1 -genkey -noout -out other.key");
  await openssl.say(
    "req -x509 -new -key other.key -days 7 -set_serial 0xabc -subj /CN=other -out other.pem -addext subjectAltName=URI:bluechi://car/node/pi -addext extendedKeyUsage=clientAuth",
  );
  const pem = await Bun.file(`${openssl.folder}/other.pem`).text();
  const read = readCertificate(pem);
  const der = new Uint8Array(Buffer.from(pem.replace(/-----.*-----/g, ""), "base64"));
  expect(read).toMatchObject({
    subject: { cluster: "car", role: "node", node: "pi" },
    serial: "0abc",
    usages: ["1.3.6.1.5.5.7.3.2"],
    fingerprint: createHash("sha256").update(der).digest("hex"),
    der,
    pem,
  });
  expect(read.notAfterMs - read.notBeforeMs).toBe(7 * 24 * 3600_000);
  expect(readCertificate(der).pem).toBe(pem);
  const printed = await openssl.say("x509 -in other.pem -noout -fingerprint -sha256");
  expect(read.fingerprint).toBe(printed.trim().replace(/.*=/, "").replaceAll(":", "").toLowerCase());
  expect(readCertificates(pem + authority).map(({ pem }) => pem)).toEqual([pem, authority]);
});

test("openssl believes our requests, and we believe its, if they are signed by a P-256 key that is theirs", async () => {
  openssl.file("our.csr", makeRequest(key));
  const said = await openssl.say("req -inform DER -in our.csr -noout -verify -subject");
  expect(said.trim().split("\n").sort()).toEqual(["Certificate request self-signature verify OK", "subject="]);
  const order = {
    authorityPem: authority,
    authorityKeyPem: key,
    subject: { cluster: "home", role: "controller" } as const,
  };
  const requested = async (...steps: string[]) => {
    for (const step of steps) await openssl.say(step);
    return Bun.file(`${openssl.folder}/their.csr`).bytes();
  };
  const csr = "req -new -key k -subj /CN=root -outform DER -out their.csr -addext subjectAltName=DNS:evil";
  const good = await requested("ecparam -name prime256v1 -genkey -noout -out k", csr);
  const issued = readCertificate(await issue({ ...order, request: good }));
  // Nothing of what it asks for is granted.
  expect(issued.subject).toEqual(order.subject);
  expect(issued.x509.subject).toBe("CN=controller of home");
  const refused = "not a certificate signing request with a P-256 key";
  for (let index = 0; index < good.length; index += 7) {
    const bad = good.with(index, (good[index] ?? 0) ^ 1);
    await expect(issue({ ...order, request: bad })).rejects.toThrow(refused);
  }
  for (const kind of [
    "genrsa -out k 2048",
    "genpkey -algorithm ed25519 -out k",
    "ecparam -name secp384r1 -genkey -noout -out k",
  ]) {
    await expect(issue({ ...order, request: await requested(kind, csr) })).rejects.toThrow(refused);
  }
  await expect(issue({ ...order, request: new Uint8Array(0) })).rejects.toThrow(refused);
});

test("a certificate is to be renewed at two thirds of its life, and does not outlive its authority", async () => {
  expect(Math.abs(renewalDueMs(readCertificate(node)) - (nowMs + 60 * 24 * 3600_000))).toBeLessThan(1000);
  expect(Math.abs(renewalDueMs(readCertificate(controller)) - (nowMs + 40_000))).toBeLessThan(1000);
  const late = nowMs + 9.99 * 365 * 24 * 3600_000;
  const subject = { cluster: "home", role: "controller" } as const;
  const last = await issue({
    authorityPem: authority,
    authorityKeyPem: key,
    subject,
    request: makeRequest(key),
    nowMs: late,
  });
  expect(readCertificate(last).notAfterMs).toBe(readCertificate(authority).notAfterMs);
});

test("what is no certificate is refused in our words", () => {
  const { der } = readCertificate(node);
  for (const bytes of ["", "text", new Uint8Array(0), der.slice(0, -1), key])
    expect(() => readCertificate(bytes)).toThrow("not a certificate in X.509");
  expect(() => readCertificate(new Uint8Array(20_000))).toThrow("no certificate has 20000 bytes");
  for (const pem of ["", key, `x${node}`, `${node}x`, key + node, node.repeat(17)])
    expect(() => readCertificates(pem)).toThrow("not 1 to 16 certificates in PEM");
});
