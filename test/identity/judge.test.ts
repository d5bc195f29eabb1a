// Each way in which a certificate can be wrong. openssl(1) makes what our own issuer never would.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { readCertificate } from "../../src/identity/certificate.ts";
import { judge } from "../../src/identity/judge.ts";
import type { Role } from "../../src/identity/subject.ts";
import { OpenSsl } from "./openssl.ts";

const openssl = new OpenSsl();
const day = 24 * 3600_000;
const node = "subjectAltName=URI:bluechi://home/node/pi";
const [client, server] = ["extendedKeyUsage=clientAuth", "extendedKeyUsage=serverAuth"];
const leaf = "basicConstraints=critical,CA:FALSE";

async function makeKeyAndRequest(name: string, subject = name) {
  await openssl.say(`ecparam -name prime256v1 -genkey -noout -out ${name}.key`);
  await openssl.say(`req -new -key ${name}.key -subj /CN=${subject} -out ${name}.csr`);
}

async function makeAuthorityOf(name: string, subject: string) {
  await makeKeyAndRequest(name, subject);
  openssl.file(`${name}.ext`, "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n");
  await openssl.say(`x509 -req -in ${name}.csr -signkey ${name}.key -days 100 -extfile ${name}.ext -out ${name}.pem`);
}

async function sign(name: string, authority: string, ...extensions: string[]) {
  await makeKeyAndRequest(name);
  openssl.file(`${name}.ext`, `${extensions.join("\n")}\n`);
  await openssl.say(
    `x509 -req -in ${name}.csr -CA ${authority}.pem -CAkey ${authority}.key -days 10 -extfile ${name}.ext -out ${name}.pem`,
  );
}

const read = async (name: string) => readCertificate(await Bun.file(`${openssl.folder}/${name}.pem`).text());

beforeAll(async () => {
  await Promise.all([
    makeAuthorityOf("ours", "authority"),
    makeAuthorityOf("next", "next-authority"),
    makeAuthorityOf("foreign", "stranger"),
    makeAuthorityOf("namesake", "authority"),
  ]);
  await Promise.all([
    sign("pi", "ours", node, client, leaf),
    sign("controller", "ours", "subjectAltName=URI:bluechi://home/controller", server, leaf),
    sign("of-next", "next", node, client, leaf),
    sign("of-foreign", "foreign", node, client, leaf),
    sign("of-namesake", "namesake", node, client, leaf),
    sign("other-cluster", "ours", "subjectAltName=URI:bluechi://car/node/pi", client, leaf),
    sign("node-as-server", "ours", node, server, leaf),
    sign("controller-as-client", "ours", "subjectAltName=URI:bluechi://home/controller", client, leaf),
    sign("both-usages", "ours", node, `${client},serverAuth`, leaf),
    sign("any-usage", "ours", node, "extendedKeyUsage=anyExtendedKeyUsage", leaf),
    sign("no-usage", "ours", node, leaf),
    sign("no-name", "ours", client, leaf),
    sign("two-names", "ours", `${node},URI:bluechi://home/node/nas`, client, leaf),
    sign("name-and-host", "ours", `${node},DNS:pi`, client, leaf),
    sign("host-that-looks-so", "ours", "subjectAltName=DNS:URI:bluechi://home/node/pi", client, leaf),
    sign("names-in-one", "ours", client, leaf, "subjectAltName=@n\n[n]\nURI=bluechi://home/node/pi, URI:x"),
    sign("authority-as-leaf", "ours", node, client, "basicConstraints=critical,CA:TRUE"),
  ]);
  await Promise.all([
    // A node that signs a certificate for another node, and an authority in between.
    sign("of-pi", "pi", node, client, leaf),
    sign("of-authority-as-leaf", "authority-as-leaf", node, client, leaf),
  ]);
}, 60_000);
afterAll(() => rmSync(openssl.folder, { recursive: true }));

const untrusted = "the certificate was not made by an authority that is trusted here";
const nameless = "the certificate does not have one name of a node or a controller";
const noNode = "the certificate of node 'pi' is not for use as a node";

const cases: [name: string, role: Role, result: string | object][] = [
  ["pi", "node", { cluster: "home", role: "node", node: "pi" }],
  ["of-next", "node", { cluster: "home", role: "node", node: "pi" }],
  ["controller", "controller", { cluster: "home", role: "controller" }],
  ["of-foreign", "node", untrusted],
  ["of-namesake", "node", untrusted],
  ["of-pi", "node", untrusted],
  ["of-authority-as-leaf", "node", untrusted],
  ["pi", "controller", "the certificate of node 'pi' is not for use as the controller"],
  ["controller", "node", "the certificate of the controller of 'home' is not for use as a node"],
  ["node-as-server", "node", noNode],
  ["node-as-server", "controller", "the certificate of node 'pi' is not for use as the controller"],
  [
    "controller-as-client",
    "controller",
    "the certificate of the controller of 'home' is not for use as the controller",
  ],
  ["both-usages", "node", noNode],
  ["any-usage", "node", noNode],
  ["no-usage", "node", noNode],
  ["other-cluster", "node", "the certificate of node 'pi' is of the cluster 'car', this is 'home'"],
  ["no-name", "node", nameless],
  ["two-names", "node", nameless],
  ["name-and-host", "node", nameless],
  ["host-that-looks-so", "node", nameless],
  ["names-in-one", "node", nameless],
  ["authority-as-leaf", "node", nameless],
  ["ours", "node", nameless],
];

const terms = async () => ({
  authorities: [await read("ours"), await read("next")],
  cluster: "home",
  nowMs: Date.now(),
});

test.each(cases)("%s as %s", async (name, role, result) => {
  const certificate = await read(name);
  const verdict = terms().then((some) => judge(certificate, { ...some, role }));
  if (typeof result === "string") await expect(verdict).rejects.toThrow(result);
  else expect(await verdict).toEqual(result as never);
});

test("nobody is who shows no certificate, or is believed where no authority is trusted", async () => {
  const some = await terms();
  expect(() => judge(undefined, { ...some, role: "node" })).toThrow("no certificate was shown");
  const pi = await read("pi");
  expect(() => judge(pi, { ...some, authorities: [], role: "node" })).toThrow(untrusted);
  // A node that is taken for an authority by mistake is none.
  const ofPi = await read("of-pi");
  expect(() => judge(ofPi, { ...some, authorities: [pi], role: "node" })).toThrow(untrusted);
});

test("dates are told in words that lead to a wrong clock, to the second", async () => {
  const some = { ...(await terms()), role: "node" } as const;
  const pi = await read("pi");
  const at = (nowMs: number) => () => judge(pi, { ...some, nowMs });
  const date = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;
  expect(at(pi.notBeforeMs)().node).toBe("pi");
  expect(at(pi.notAfterMs)().node).toBe("pi");
  // The authority is a moment older.
  const early = some.authorities[0]!.notBeforeMs - 10 * day;
  expect(at(early)).toThrow(
    `the authority of the certificate of node 'pi' is not valid before ${date(early + 10 * day)}, here it is ${date(early)}: check the clocks`,
  );
  const late = pi.notAfterMs + 1;
  expect(at(late)).toThrow(
    `the certificate of node 'pi' has expired at ${date(pi.notAfterMs)}, here it is ${date(late)}: check the clocks, or let the node join again`,
  );
  expect(at(pi.notAfterMs + 365 * day)).toThrow("the authority of the certificate of node 'pi' has expired");
});

test("a certificate that was revoked is refused, another of the same node is not", async () => {
  const some = { ...(await terms()), role: "node" } as const;
  const [pi, next] = [await read("pi"), await read("of-next")];
  const isRevoked = ({ serial }: { serial: string }) => serial === pi.serial;
  expect(() => judge(pi, { ...some, isRevoked })).toThrow("the certificate of node 'pi' has been revoked");
  expect(judge(next, { ...some, isRevoked }).node).toBe("pi");
});
