import { chmodSync, chownSync } from "node:fs";
import { describe } from "../../base/failure.ts";
import { groupId, type PeerCredentials, userId } from "../../base/libc.ts";
import type { Log } from "../../base/log.ts";
import type { ControllerSettings } from "./settings.ts";

interface LocalPeersOptions {
  readonly service: { readonly settings: Pick<ControllerSettings, "SocketUser" | "SocketGroup"> };
  readonly log: Log;
  /** This process's user; the process's own when left out. */
  readonly own?: number;
}

/** The users of this host whose agents may come in by the unix socket, beside root's and the controller's own. */
export class LocalPeers {
  readonly #options: LocalPeersOptions;
  readonly #own: number;
  #users: ReadonlySet<number> = new Set();
  #group: number | undefined;

  constructor(options: LocalPeersOptions) {
    this.#options = options;
    this.#own = options.own ?? process.geteuid?.() ?? 0;
    this.review();
  }

  /** Looks the names of the settings up that are in force now. One that there is not is logged, and nobody is meant by it. */
  review(): void {
    const { SocketUser, SocketGroup } = this.#options.service.settings;
    const users = SocketUser.map((name) => this.#known("SocketUser", name, number(name) ?? userId(name)));
    this.#users = new Set(users.filter((uid) => uid !== undefined));
    const gid = number(SocketGroup) ?? groupId(SocketGroup);
    this.#group = SocketGroup === "" ? undefined : this.#known("SocketGroup", SocketGroup, gid);
  }

  /**
   * What keeps a peer of the unix socket out; undefined for nothing.
   * @param peer undefined when the kernel does not tell who it is: what cannot be checked is refused.
   */
  trouble(peer: PeerCredentials | undefined): string | undefined {
    if (!peer) return "the kernel does not tell who is there";
    const { uid, gids } = peer;
    if (uid === 0 || uid === this.#own || this.#users.has(uid)) return undefined;
    if (this.#group !== undefined && gids.includes(this.#group)) return undefined;
    return `user ${uid} may not use the unix socket (SocketUser=, SocketGroup= of the controller)`;
  }

  /** Gives a socket's file the mode that lets in those who may: each of them is asked for by `trouble` as well. */
  open(path: string): void {
    try {
      chmodSync(path, 0o600);
      // A file's mode knows one group, and no list of users.
      if (this.#group !== undefined) chownSync(path, -1, this.#group);
      if (this.#users.size > 0) chmodSync(path, 0o666);
      else if (this.#group !== undefined) chmodSync(path, 0o660);
    } catch (error) {
      this.#options.log.error(`${path} stays closed to others than root and the controller: ${describe(error)}`);
    }
  }

  #known(setting: string, name: string, id: number | undefined): number | undefined {
    if (id === undefined) this.#options.log.warn(`${setting}=: there is no '${name}' on this host`);
    return id;
  }
}

function number(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
