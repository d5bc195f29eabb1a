// Every way to lose the link between a controller and the agent of another host, what notices it, and what ends it.
import { expect } from "bun:test";
import { agentInterface } from "../../src/api/agent.ts";
import { agentName, controllerName, nodePath, rootPath } from "../../src/api/names.ts";
import { nodeInterface } from "../../src/api/node.ts";
import { type Client, client } from "../../src/bus/client.ts";
import type { BusConnection } from "../../src/bus/connection.ts";
import type { Host } from "../testbed/host.ts";
import { patienceMs, until } from "../testbed/until.ts";
import type { Cluster } from "./cluster.ts";
import { Program } from "./program.ts";

/** The hosts at the two ends of a link. */
interface Ends {
  readonly controller: Host;
  readonly agent: Host;
}

export type End = keyof Ends;

export interface Loss {
  readonly what: string;
  /** The ends that are there to notice it. */
  readonly noticedBy: readonly End[];
  /** Nothing is heard any more; or the kernel tells at once that the other end is gone. */
  readonly by: "silence" | "end";
  begin(ends: Ends): Promise<unknown>;
  /** What lets it heal; nothing where the product itself has to. */
  heal?(ends: Ends): Promise<unknown>;
}

const signal = (host: Host, name: string, role: End) =>
  host.sh(`systemctl kill --kill-who=main -s ${name} bluechi-${role}`);
const mend = ({ agent }: Ends) => agent.mend();
const both: readonly End[] = ["controller", "agent"];

export const losses: readonly Loss[] = [
  { what: "the cable is pulled", noticedBy: both, by: "silence", begin: ({ agent }) => agent.cut(), heal: mend },
  { what: "a full partition", noticedBy: both, by: "silence", begin: ({ agent }) => agent.lose(1), heal: mend },
  { what: "the agent hears nothing", noticedBy: both, by: "silence", begin: ({ agent }) => agent.deafen(), heal: mend },
  { what: "the agent is not heard", noticedBy: both, by: "silence", begin: ({ agent }) => agent.mute(), heal: mend },
  {
    what: "the agent's host loses power",
    noticedBy: ["controller"],
    by: "silence",
    begin: ({ agent }) => agent.kill(),
    heal: ({ agent }) => agent.start(),
  },
  {
    what: "SIGSTOP of the agent",
    noticedBy: ["controller"],
    by: "silence",
    begin: ({ agent }) => signal(agent, "SIGSTOP", "agent"),
    heal: ({ agent }) => signal(agent, "SIGCONT", "agent"),
  },
  {
    what: "SIGSTOP of the controller",
    noticedBy: ["agent"],
    by: "silence",
    begin: ({ controller }) => signal(controller, "SIGSTOP", "controller"),
    heal: ({ controller }) => signal(controller, "SIGCONT", "controller"),
  },
  {
    what: "SIGKILL of the agent",
    noticedBy: ["controller"],
    by: "end",
    begin: ({ agent }) => signal(agent, "SIGKILL", "agent"),
  },
  {
    what: "SIGKILL of the controller",
    noticedBy: ["agent"],
    by: "end",
    begin: ({ controller }) => signal(controller, "SIGKILL", "controller"),
  },
];

/** What the two ends of a link say of it on their buses, and when they said so. */
export class LinkWatch {
  readonly #ends: Ends;
  readonly #said: { readonly end: End; readonly status: string; readonly atMs: number }[] = [];
  readonly #buses = new Map<End, BusConnection>();

  private constructor(ends: Ends) {
    this.#ends = ends;
  }

  static async on(cluster: Cluster, node: string): Promise<LinkWatch> {
    const watch = new LinkWatch({ controller: cluster.main, agent: cluster.host(node) });
    await watch.#listen("controller");
    await watch.#listen("agent");
    return watch;
  }

  /** Lets it happen. @returns how long each end that can notice took to say so, in ms. */
  async begin(loss: Loss, limitMs: number): Promise<Map<End, number>> {
    const startMs = performance.now();
    await loss.begin(this.#ends);
    const notice = async (end: End) => {
      const said = await until(
        `the ${end} to say that the link is lost`,
        () => this.#said.find(({ end: by, status, atMs }) => by === end && status === "offline" && atMs >= startMs),
        limitMs,
      );
      return [end, said.atMs - startMs] as const;
    };
    return new Map(await Promise.all(loss.noticedBy.map(notice)));
  }

  /** Lets it heal. @returns how long the link took from then until both ends said that it is there, in ms. */
  async heal(loss: Loss, limitMs: number): Promise<number> {
    await loss.heal?.(this.#ends);
    const startMs = performance.now();
    for (const end of both) await until(`the ${end} to say that the link is back`, () => this.#isUp(end), limitMs);
    return performance.now() - startMs;
  }

  /** How often an end has said that the link is lost. */
  losses(end: End): number {
    return this.#said.filter((said) => said.end === end && said.status === "offline").length;
  }

  /** The agent's DisconnectTimestamp, in ms since 1970; 0 while it is connected. */
  async disconnectedMs(): Promise<number> {
    return Number((await this.#agent().get("DisconnectTimestamp")) / 1000n);
  }

  close(): void {
    for (const bus of this.#buses.values()) bus.close();
  }

  /** The bus goes with its host. */
  async #isUp(end: End): Promise<boolean> {
    if (!this.#buses.has(end)) await this.#listen(end);
    const status = end === "controller" ? this.#node().get("Status") : this.#agent().get("Status");
    return (await status) === "online";
  }

  async #listen(end: End): Promise<void> {
    const { bus } = await Program.on(this.#ends[end]);
    bus.onClose(() => this.#buses.delete(end));
    this.#buses.set(end, bus);
    const note = ({ Status: status }: { Status?: string }) => {
      if (status !== undefined) this.#said.push({ end, status, atMs: performance.now() });
    };
    if (end === "controller") {
      const node = this.#node();
      node.onChanged(note);
      await node.match();
    } else {
      const agent = this.#agent();
      agent.onChanged(note);
      await agent.match();
    }
  }

  #node(): Client<typeof nodeInterface> {
    return client(this.#bus("controller"), controllerName, nodePath(this.#ends.agent.name), nodeInterface);
  }

  #agent(): Client<typeof agentInterface> {
    return client(this.#bus("agent"), agentName, rootPath, agentInterface);
  }

  #bus(end: End): BusConnection {
    const bus = this.#buses.get(end);
    if (!bus) throw new Error(`the bus of the ${end}'s host is gone`);
    return bus;
  }
}

/** Heartbeats that come, and are missed, sooner. */
const quick = { intervalMs: 500, thresholdMs: 2000 };
/** Heartbeats that are missed later than any test takes. */
const patient = { intervalMs: 500, thresholdMs: 4 * patienceMs };

/** Has all hosts send heartbeats, and miss them, at other times than by default. */
async function beat(cluster: Cluster, { intervalMs, thresholdMs }: typeof quick): Promise<void> {
  for (const [role, threshold] of [
    ["controller", "NodeHeartbeatThreshold"],
    ["agent", "ControllerHeartbeatThreshold"],
  ] as const) {
    const text = `[bluechi-${role}]\nHeartbeatInterval=${intervalMs}\n${threshold}=${thresholdMs}\n`;
    for (const host of cluster.hosts) await host.write(`/etc/bluechi/${role}.conf.d/zz-heartbeats.conf`, text);
  }
  await cluster.main.sh("systemctl restart bluechi-controller");
  for (const host of cluster.hosts) await host.sh("systemctl restart bluechi-agent");
  for (const { name } of cluster.hosts) await cluster.online(name);
}

/** Lets losses be noticed sooner than by default, on all hosts, pi among them, whose agent starts at boot from now on. */
export async function hurry(cluster: Cluster): Promise<void> {
  const pi = cluster.host("pi");
  await pi.write("/etc/systemd/system/probe.service", "[Service]\nType=oneshot\nExecStart=true\n");
  await pi.sh("systemctl daemon-reload && systemctl enable bluechi-agent");
  await beat(cluster, quick);
}

/** Takes no silence for a loss any more. */
export async function bear(cluster: Cluster): Promise<void> {
  await beat(cluster, patient);
}

/** What an end logged last of why the link was lost. */
async function lossTold(cluster: Cluster, end: End): Promise<string> {
  const host = cluster.host(end === "controller" ? cluster.main.name : "pi");
  const pattern = /(Node 'pi' disconnected|Disconnected from controller): .*/g;
  return (await host.journal(`bluechi-${end}`)).match(pattern)?.at(-1) ?? "";
}

/** Has the link of pi lost in one way: who can notice does so, and all is well again by itself. */
export async function survive(cluster: Cluster, loss: Loss): Promise<void> {
  const watch = await LinkWatch.on(cluster, "pi");
  const startMs = Date.now();
  for (const [end, tookMs] of await watch.begin(loss, patienceMs)) {
    // One heartbeat may have been heard just before.
    const least = loss.by === "silence" ? quick.thresholdMs - quick.intervalMs : 0;
    expect(tookMs, `how soon the ${end} noticed`).toBeGreaterThan(least);
    if (loss.by === "end") expect(await lossTold(cluster, end)).toMatch(/: (?!.*heartbeat)/);
    if (end === "agent" && loss.heal) expect(await watch.disconnectedMs()).toBeWithin(startMs, Date.now() + 1);
  }
  await watch.heal(loss, patienceMs);
  expect(await watch.disconnectedMs()).toBe(0);
  expect((await cluster.ctl("start", "pi", "probe.service")).stdout).toContain("done");
  watch.close();
}
