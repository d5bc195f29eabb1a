import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IdentityFolder, joinPem, ownCertificate } from "./credentials.ts";
import { issue, makeAuthority } from "./issuer.ts";
import { makeKey, makeRequest } from "./request.ts";

const top = mkdtempSync(join(tmpdir(), "bluechi-identity-"));
afterAll(() => rmSync(top, { recursive: true }));
const authorityKey = makeKey();
const authority = await makeAuthority("home", authorityKey);
const certify = async (key: string) =>
  (await issue({
    authorityPem: authority,
    authorityKeyPem: authorityKey,
    subject: { cluster: "home", role: "node", node: "pi" },
    request: makeRequest(key),
  })) + authority;

test("a folder has an identity once there is a certificate for its key", async () => {
  const folder = new IdentityFolder(join(top, "joined"));
  expect(folder.read()).toBeUndefined();
  const key = makeKey();
  folder.prepare(key);
  expect(folder.read()).toBeUndefined();
  const certificate = await certify(key);
  folder.accept(certificate, authority);
  const read = folder.read();
  expect(read).toMatchObject({ certificate, key, cluster: "home" });
  expect(joinPem(read?.authorities ?? [])).toBe(authority);
  expect(read && ownCertificate(read).subject).toEqual({ cluster: "home", role: "node", node: "pi" });
  expect(readdirSync(folder.path).sort()).toEqual(["authorities.pem", "certificate.pem", "key.pem"]);
  for (const name of readdirSync(folder.path)) expect(statSync(join(folder.path, name)).mode & 0o777).toBe(0o600);
});

test("wherever a renewal is interrupted, the folder has a certificate with its key", async () => {
  const folder = new IdentityFolder(join(top, "renewed"));
  const [first, second] = [makeKey(), makeKey()];
  const [before, after] = [await certify(first), await certify(second)];
  folder.prepare(first);
  folder.accept(before, authority);
  folder.prepare(second);
  expect(folder.read()).toMatchObject({ certificate: before, key: first });
  const other = await certify(makeKey());
  expect(() => folder.accept(other, authority)).toThrow("not for the key that was made here");
  expect(folder.read()).toMatchObject({ certificate: before, key: first });
  // As after the certificate was written, and not yet its key.
  writeFileSync(join(folder.path, "certificate.pem"), after);
  expect(folder.read()).toMatchObject({ certificate: after, key: second });
  folder.accept(after, authority);
  expect(folder.read()).toMatchObject({ certificate: after, key: second });
  expect(() => folder.accept(after, authority)).toThrow("not for the key that was made here");
});

test("an identity that cannot be used is told from none", async () => {
  const folder = new IdentityFolder(join(top, "broken"));
  const key = makeKey();
  folder.prepare(key);
  folder.accept(await certify(key), authority);
  const broken: [string, string, string][] = [
    ["authorities.pem", "", "not 1 to 16 certificates in PEM"],
    ["authorities.pem", authority, ""],
    ["certificate.pem", authority, "certificate.pem names no node"],
    ["certificate.pem", await certify(makeKey()), "there is no key that belongs to certificate.pem"],
  ];
  for (const [name, text, complaint] of broken) {
    writeFileSync(join(folder.path, name), text);
    if (complaint === "") expect(folder.read()?.key).toBe(key);
    else
      expect(() => folder.read()).toThrow(
        `the identity in '${folder.path}' cannot be used: ${complaint}; join the cluster again`,
      );
  }
});
