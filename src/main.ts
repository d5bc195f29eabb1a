import { describe } from "./base/failure.ts";
import { helpRows } from "./base/options.ts";
import { stderr, stdout } from "./base/output.ts";
import { finishChores } from "./base/turn.ts";
import { commit, packageVersion } from "./base/version.ts";

interface Role {
  /** The name of its link to this executable; the role calls itself so. */
  readonly name: string;
  readonly help: string;
  /** Whether systemd keeps it running. */
  readonly daemon: boolean;
  readonly load: () => Promise<{ main(argv: string[], name: string): Promise<number> }>;
}

/** Roles by the word that chooses them. Each is loaded when it is chosen: a tool need not wait for the daemons' code. */
const roles: Record<string, Role> = {
  controller: {
    name: "bluechi-controller",
    help: "The service that all nodes connect to",
    daemon: true,
    load: () => import("./roles/controller/main.ts"),
  },
  agent: {
    name: "bluechi-agent",
    help: "The service on every node",
    daemon: true,
    load: () => import("./roles/agent/main.ts"),
  },
  proxy: {
    name: "bluechi-proxy",
    help: "What a unit uses to depend on a unit of another node",
    daemon: false,
    load: () => import("./roles/proxy/main.ts"),
  },
  ctl: {
    name: "bluechictl",
    help: "The tool to control units on all nodes",
    daemon: false,
    load: () => import("./roles/ctl/main.ts"),
  },
  join: {
    name: "bluechi join",
    help: "Make this host a node of a cluster",
    daemon: false,
    load: () => import("./roles/join/main.ts"),
  },
  "is-online": {
    name: "bluechi-is-online",
    help: "The tool that tells whether an agent, a node or the system is online",
    daemon: false,
    load: () => import("./roles/is-online/main.ts"),
  },
};

/** What we were called by, without its folder. */
const program = process.argv0.slice(process.argv0.lastIndexOf("/") + 1);
let playing: Role | undefined;

function help(): string {
  const rows = Object.entries(roles).map(([word, role]) => [word, role.help] as const);
  return `Usage: bluechi ROLE [ARGUMENT]...\n\nBlueChi in one executable. A link with the name of a role is that role.\n\nRoles:\n${helpRows(rows)}\n\nOptions:\n${helpRows(
    [
      ["-h, --help", "Show this help"],
      ["-v, --version", "Show the version"],
    ],
  )}\n\n'bluechi ROLE --help' tells more.`;
}

async function run(calledAs: string, argv: string[]): Promise<number> {
  const linked = Object.values(roles).find((role) => role.name === calledAs);
  if (linked) return play(linked, argv);
  const [word, ...rest] = argv;
  if (word !== undefined && Object.hasOwn(roles, word)) return play(roles[word] as Role, rest);
  switch (word) {
    case "-h":
    case "--help":
      stdout.write(`${help()}\n`);
      return 0;
    case "-v":
    case "--version":
      stdout.write(`bluechi version ${packageVersion} (${await parts()})\n`);
      return 0;
    default:
      stderr.write(word === undefined ? `${help()}\n` : `bluechi: unknown role '${word}', see 'bluechi --help'\n`);
      return 1;
  }
}

/** What it is made of. */
async function parts(): Promise<string> {
  const { protocol } = await import("./wire/hello.ts");
  return `commit ${commit}, Bun ${Bun.version}, protocol ${protocol}`;
}

async function play(role: Role, argv: string[]): Promise<number> {
  playing = role;
  return (await role.load()).main(argv, role.name);
}

/** Ends the process once all that was written has gone out. */
async function end(status: number): Promise<void> {
  await stdout.written();
  await stderr.written();
  process.exit(status);
}

/** Ends on what kept us from running: people get a line, not a stack. */
function fail(thrown: unknown): void {
  complain(thrown, () => process.exit(1));
}

/** Ends on what nobody expected. systemd starts a daemon again that a signal ended, not one that gave up (on-abnormal). */
function crash(thrown: unknown): void {
  finishChores();
  complain(thrown, () => (playing?.daemon ? process.abort() : process.exit(1)));
}

function complain(thrown: unknown, then: () => void): void {
  stderr.write(`${program}: ${describe(thrown)}\n`);
  void stderr.written().then(then);
}

// A reader that went away has read enough.
stdout.onBroken = (error) => {
  if (error.code === "EPIPE") process.exit(0);
  fail(error);
};
stderr.onBroken = () => process.exit(1);
process.on("uncaughtException", crash);
process.on("unhandledRejection", crash);
run(program, process.argv.slice(2)).then(end, fail);
