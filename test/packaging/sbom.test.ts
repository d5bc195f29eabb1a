import { expect, test } from "bun:test";
import manifest from "../../package.json" with { type: "json" };
import lock from "../../package-lock.json" with { type: "json" };
import { type Lock, sbom } from "../../scripts/sbom.ts";

const document = sbom(lock as Lock, { commit: "0123456789", date: 1_800_000_000 });
const named = (id: string) => document.packages.find(({ SPDXID }) => SPDXID === id)?.name ?? "";
const related = (type: string, side: "spdxElementId" | "relatedSpdxElement") =>
  document.relationships.filter(({ relationshipType }) => relationshipType === type).map((row) => named(row[side]));

test("it lists what the executables contain, which is what we depend on and Bun for both kinds of machine", () => {
  const contained = related("CONTAINS", "relatedSpdxElement");
  expect(contained).toEqual(expect.arrayContaining(Object.keys(manifest.dependencies)));
  expect(contained.filter((name) => name.startsWith("@oven/"))).toEqual([
    "@oven/bun-linux-aarch64",
    "@oven/bun-linux-x64",
  ]);
  expect(contained).not.toContain("typescript");
});

test("it lists what they were made with", () => {
  expect(related("BUILD_TOOL_OF", "spdxElementId")).toEqual(
    expect.arrayContaining(Object.keys(manifest.devDependencies)),
  );
});

test("each package has an identifier of its own, a version, and the sum that is pinned; all of them are related", () => {
  const ids = document.packages.map(({ SPDXID }) => SPDXID);
  expect(ids).toEqual([...new Set(ids)]);
  expect(ids.filter((id) => !/^SPDXRef-[A-Za-z0-9.-]+$/.test(id))).toEqual([]);
  for (const part of document.packages.slice(1)) {
    expect(part.versionInfo).toMatch(/^\d/);
    expect(part).toMatchObject({
      checksums: [{ algorithm: "SHA512", checksumValue: expect.stringMatching(/^[0-9a-f]{128}$/) }],
    });
  }
  const mentioned = document.relationships.flatMap((row) => [row.spdxElementId, row.relatedSpdxElement]);
  expect([...new Set(mentioned)].sort()).toEqual(["SPDXRef-DOCUMENT", ...ids].sort());
});

test("it is dated as the commit, and is the same each time", () => {
  expect(document.creationInfo.created).toBe("2027-01-15T08:00:00Z");
  expect(sbom(lock as Lock, { commit: "0123456789", date: 1_800_000_000 })).toEqual(document);
});
