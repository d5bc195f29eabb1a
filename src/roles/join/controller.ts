import { systemClock } from "../../base/clock.ts";
import { describe, ErrorName, Failure } from "../../base/failure.ts";
import { packageVersion } from "../../base/version.ts";
import { type Certificate, readCertificate } from "../../identity/certificate.ts";
import { judge } from "../../identity/judge.ts";
import type { TlsAddress } from "../../wire/address.ts";
import { type EnrolmentAnswer, type EnrolmentRequest, enrol } from "../../wire/enrolment.ts";
import { formatPlace } from "../../wire/place.ts";
import { connectTls } from "../../wire/tls-sockets.ts";
import type { Transport } from "../../wire/transport.ts";

/** A controller that has shown a certificate. */
export interface Met {
  readonly place: TlsAddress;
  readonly cluster: string;
  readonly authority: Certificate;
  readonly transport: Transport;
}

/** Whom the controller has to prove to be, as far as it is known. */
interface Expected {
  /** The fingerprint of its authority. */
  readonly authority?: string | undefined;
  readonly cluster?: string | undefined;
  /** The same in words. */
  readonly who: string;
}

/**
 * Connects to a controller, and makes sure who it is before anything is said to it.
 * @throws Failure AccessDenied when it is another one.
 */
async function meet(place: TlsAddress, expected: Expected): Promise<Met> {
  let shown: Pick<Met, "cluster" | "authority"> | undefined;
  const check = (chain: readonly Uint8Array[]): void => {
    shown = identify(chain, expected, Date.now());
  };
  const transport = await connectTls(place, { check });
  if (!shown) throw new Error("a peer that was not checked");
  return { ...shown, place, transport };
}

/**
 * Who has shown these certificates, its own and its authority's. That it has the key is known.
 * @throws Failure AccessDenied when it is nobody, or another one than expected.
 */
export function identify(
  [own, issuer]: readonly Uint8Array[],
  { authority: wanted, cluster, who }: Expected,
  nowMs: number,
): Pick<Met, "cluster" | "authority"> {
  if (!own || !issuer)
    throw new Failure(ErrorName.AccessDenied, "who answers there shows no certificates of a controller");
  const authority = readCertificate(issuer);
  if (wanted !== undefined && authority.fingerprint !== wanted) {
    const others = "it is another one, somebody in between, or its authority has been replaced since";
    throw new Failure(ErrorName.AccessDenied, `who answers there is not ${who}: ${others}; nothing was told to it`);
  }
  const subject = judge(readCertificate(own), { authorities: [authority], role: "controller", cluster, nowMs });
  return { cluster: subject.cluster, authority };
}

/**
 * Meets the first controller of several places that is the right one.
 * @throws Failure that tells of each place why there is none.
 */
export async function meetFirst(places: readonly TlsAddress[], expected: Expected): Promise<Met> {
  const reasons: string[] = [];
  for (const place of places) {
    try {
      return await meet(place, expected);
    } catch (thrown) {
      const why = describe(thrown).replace(/^cannot connect to \S+: /, "");
      reasons.push(`  ${formatPlace(place)}: ${why}${hint(why)}`);
    }
  }
  throw new Failure(ErrorName.Failed, `The controller was not reached:\n${reasons.join("\n")}`);
}

/** What to do, by words that tell what went wrong. */
const hints: readonly (readonly [RegExp, string])[] = [
  [
    /refused/,
    "is bluechi-controller running there, with a cluster ('bluechictl cluster status' there), on this port, and is that open in its firewall?",
  ],
  [/no answer|timed out/, "is the host on, and the port open in its firewall?"],
  [/no route|unreachable/, "is this host on the same network?"],
  [
    /not found/,
    "is the name right? An address will do: as --request=ADDRESS, or in a token by 'bluechictl node invite NODE --address=ADDRESS'",
  ],
  [/speaks no TLS|without TLS/, "the one for TLS is 843, if nothing else is configured"],
];

function hint(why: string): string {
  const found = hints.find(([pattern]) => pattern.test(why));
  return found ? ` (${found[1]})` : "";
}

/** Asks a controller that was met for a certificate. The connection is closed then. @throws Failure as it refuses. */
export function ask({ transport }: Met, request: EnrolmentRequest): Promise<EnrolmentAnswer> {
  return enrol(transport, { ...request, version: packageVersion }, { clock: systemClock });
}
