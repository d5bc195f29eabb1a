import { expect, test } from "bun:test";
import { readCertificate } from "../../identity/certificate.ts";
import { issue, makeAuthority } from "../../identity/issuer.ts";
import { makeKey, makeRequest } from "../../identity/request.ts";
import type { Subject } from "../../identity/subject.ts";
import { identify } from "./controller.ts";

const who = "the controller that made this token";
const nowMs = Date.now();

async function authority(cluster: string) {
  const authorityKeyPem = makeKey();
  const authorityPem = await makeAuthority(cluster, authorityKeyPem);
  const certify = async (subject: Subject) =>
    readCertificate(await issue({ authorityPem, authorityKeyPem, subject, request: makeRequest(makeKey()) })).der;
  const { der, fingerprint } = readCertificate(authorityPem);
  return { der, fingerprint, certify };
}

const [ours, theirs] = [await authority("home"), await authority("home")];
const controller = { cluster: "home", role: "controller" } as const;
const expected = { authority: ours.fingerprint, cluster: "home", who };

test("the controller is who shows a certificate of the authority that is known", async () => {
  const chain = [await ours.certify(controller), ours.der];
  expect(identify(chain, expected, nowMs)).toMatchObject({
    cluster: "home",
    authority: { fingerprint: ours.fingerprint },
  });
  expect(identify(chain, { who }, nowMs).cluster).toBe("home");
});

test("all others are not", async () => {
  const good = await ours.certify(controller);
  const wrong: [string, Uint8Array[], string][] = [
    ["no certificate", [], "shows no certificates of a controller"],
    ["no authority", [good], "shows no certificates of a controller"],
    [
      "an authority of their own",
      [await theirs.certify(controller), theirs.der],
      "is not the controller that made this token",
    ],
    [
      "our authority, for another's certificate",
      [await theirs.certify(controller), ours.der],
      "not made by an authority",
    ],
    [
      "a node",
      [await ours.certify({ cluster: "home", role: "node", node: "pi" }), ours.der],
      "not for use as the controller",
    ],
    [
      "another cluster",
      [await ours.certify({ cluster: "away", role: "controller" }), ours.der],
      "is of the cluster 'away'",
    ],
  ];
  for (const [what, chain, words] of wrong) {
    expect(() => identify(chain, expected, nowMs), what).toThrow(words);
  }
  expect(() => identify([good, ours.der], expected, nowMs + 100 * 24 * 3600_000)).toThrow("check the clocks");
});
