import { expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Log } from "../../base/log.ts";
import { LocalPeers } from "./local-peers.ts";

function peers(SocketUser: string[] = [], SocketGroup = "") {
  const lines: string[] = [];
  const settings = { SocketUser, SocketGroup };
  const log = new Log({ target: "stderr", write: (line) => lines.push(line) });
  const service = { settings };
  return { peers: new LocalPeers({ service, log, own: 900 }), service, lines };
}

const refused = (uid: number) =>
  `user ${uid} may not use the unix socket (SocketUser=, SocketGroup= of the controller)`;

test.each<[users: string[], group: string, uid: number, gids: number[], expected: string | undefined]>([
  [[], "", 0, [0], undefined],
  [[], "", 900, [900], undefined],
  [[], "", 1000, [0, 900, 1000], refused(1000)],
  [["1000"], "", 1000, [1000], undefined],
  [["daemon"], "", 1, [5], undefined],
  [["1000", "daemon"], "", 2, [1], refused(2)],
  [[], "daemon", 1000, [1000, 1], undefined],
  [[], "1", 1000, [1], undefined],
  [[], "1", 1000, [2], refused(1000)],
])("SocketUser=%j SocketGroup=%s: user %d of %j", (users, group, uid, gids, expected) => {
  expect(peers(users, group).peers.trouble({ uid, gids })).toBe(expected);
});

test("whom the kernel does not name is refused", () => {
  expect(peers(["1000"], "1").peers.trouble(undefined)).toBe("the kernel does not tell who is there");
});

test("a name that there is not means nobody, and is logged; another one counts from a review", () => {
  const { peers: who, service, lines } = peers(["no-such-user"], "no-such-group");
  expect(lines.map((line) => line.split("\t: ")[1])).toEqual([
    "SocketUser=: there is no 'no-such-user' on this host\n",
    "SocketGroup=: there is no 'no-such-group' on this host\n",
  ]);
  expect(who.trouble({ uid: 1, gids: [1] })).toBe(refused(1));
  service.settings = { SocketUser: ["daemon"], SocketGroup: "" };
  who.review();
  expect(who.trouble({ uid: 1, gids: [1] })).toBeUndefined();
});

test("the socket's file lets in those who may", () => {
  const folder = mkdtempSync(join(tmpdir(), "bluechi-socket-"));
  const path = join(folder, "socket");
  writeFileSync(path, "");
  chmodSync(path, 0o755);
  const modeOf = (users: string[], group: string) => {
    peers(users, group).peers.open(path);
    return (statSync(path).mode & 0o777).toString(8);
  };
  expect([modeOf([], ""), modeOf([], `${process.getgid?.()}`), modeOf(["1"], "")]).toEqual(["600", "660", "666"]);
  rmSync(folder, { recursive: true });
  const { peers: gone, lines } = peers();
  gone.open(path);
  expect(lines.join("")).toContain(`${path} stays closed to others`);
});
