// What the executable is made of, and what it was made with: a bill of materials in SPDX 2.3 from package-lock.json.
import { maintainer, type Origin } from "./version.ts";

interface Locked {
  readonly version: string;
  readonly integrity?: string;
  /** Some old packages have a list. */
  readonly license?: string | readonly string[];
  readonly dev?: boolean;
  readonly optional?: boolean;
}

export interface Lock {
  readonly name: string;
  readonly packages: Readonly<Record<string, Locked>>;
}

/** The lock's path of the Bun that is in each executable, by Debian's name of the architecture. */
const runtimes: Record<string, string> = {
  amd64: "node_modules/@oven/bun-linux-x64",
  arm64: "node_modules/@oven/bun-linux-aarch64",
};

/** A document whose packages are ours, those in the executable (CONTAINS) and those it was made with (BUILD_TOOL_OF). */
export function sbom(lock: Lock, { commit, date }: Pick<Origin, "commit" | "date">) {
  const own = lock.packages[""];
  if (own === undefined) throw new Error("package-lock.json does not name its own package");
  const parts = Object.entries(lock.packages).filter(([path]) => path !== "");
  const bundled = Object.values(runtimes);
  const contained = ([path, { dev, optional }]: [string, Locked]) =>
    bundled.includes(path) || (dev !== true && optional !== true);
  const root = "SPDXRef-bluechi";
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: `${lock.name}-${own.version}`,
    documentNamespace: `https://spdx.org/spdxdocs/${lock.name}-${own.version}-${commit}`,
    creationInfo: {
      created: `${new Date(date * 1000).toISOString().slice(0, 19)}Z`,
      creators: ["Tool: scripts/sbom.ts"],
    },
    packages: [
      {
        SPDXID: root,
        name: lock.name,
        versionInfo: own.version,
        sourceInfo: `commit ${commit}`,
        supplier: `Organization: ${maintainer.replace(/<(.*)>/, "($1)")}`,
        downloadLocation: "NOASSERTION",
        filesAnalyzed: false,
        licenseDeclared: expression(own.license),
        copyrightText: "NOASSERTION",
      },
      ...parts.map(([path, part]) => describePart(path, part)),
    ],
    relationships: [
      relation("SPDXRef-DOCUMENT", "DESCRIBES", root),
      ...parts.map((part) =>
        contained(part)
          ? relation(root, "CONTAINS", identifier(part[0]))
          : relation(identifier(part[0]), "BUILD_TOOL_OF", root),
      ),
    ],
  };
}

function describePart(path: string, { version, integrity, license }: Locked) {
  const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
  const [algorithm, sum] = integrity?.split("-", 2) ?? [];
  return {
    SPDXID: identifier(path),
    name,
    versionInfo: version,
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    licenseDeclared: expression(license),
    copyrightText: "NOASSERTION",
    ...(sum === undefined
      ? {}
      : {
          checksums: [
            { algorithm: algorithm?.toUpperCase(), checksumValue: Buffer.from(sum, "base64").toString("hex") },
          ],
        }),
    externalRefs: [
      {
        referenceCategory: "PACKAGE-MANAGER",
        referenceType: "purl",
        referenceLocator: `pkg:npm/${name.replace("@", "%40")}@${version}`,
      },
    ],
  };
}

/** SPDX's words for a license; what a list or "MIT/X11" means nobody says. */
function expression(license: Locked["license"]): string {
  return typeof license === "string" && /^[\w.+ ()-]+$/.test(license) ? license : "NOASSERTION";
}

/** Identifiers may have letters, digits, dots and dashes only. */
function identifier(path: string): string {
  return `SPDXRef-${path.replace(/[^A-Za-z0-9.]+/g, "-")}`;
}

function relation(spdxElementId: string, relationshipType: string, relatedSpdxElement: string) {
  return { spdxElementId, relationshipType, relatedSpdxElement };
}
