import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import * as output from "../../base/output.ts";
import { commands } from "./commands.ts";
import { main } from "./main.ts";

let stdout = "";
let stderr = "";
const spies: { mockRestore(): void }[] = [];

beforeEach(() => {
  stdout = stderr = "";
  const take = (add: (text: string) => void) => (text: string) => {
    add(text);
  };
  spies.push(spyOn(output.stdout, "write").mockImplementation(take((text) => (stdout += text))));
  spies.push(spyOn(output.stderr, "write").mockImplementation(take((text) => (stderr += text))));
});
afterEach(() => {
  for (const spy of spies.splice(0)) spy.mockRestore();
});

const words = (line: string) => (line === "" ? [] : line.split(" "));

test.each([
  ["", "No command given"],
  ["frobnicate", "Method frobnicate not found"],
  ["constructor", "Method constructor not found"],
  ["frobnicate --help", "Method frobnicate not found"],
  ["-Q", "bluechictl: invalid option -- 'Q'"],
  ["start foo bar --QWERTY", "bluechictl: unrecognized option '--QWERTY'"],
  ["list-units --filter", "bluechictl: option '--filter' requires an argument"],
  ["node", "Method node needs one of invite, pending, approve, deny, revoke, list"],
  ["node frobnicate", "Method node frobnicate not found, only invite, pending, approve, deny, revoke, list"],
  ["cluster constructor", "Method cluster constructor not found, only init, status, rotate-ca"],
  ["enable --force=yes foo bar", "bluechictl: option '--force' doesn't allow an argument"],
])("'%s' is a mistake that calls for help", async (line, message) => {
  expect(await main(words(line), "bluechictl")).toBe(1);
  expect(stderr).toBe(`${message}\n`);
  expect(stdout).toMatch(/^Usage: bluechictl (COMMAND|start NODE UNIT|list-units \[NODE\]|enable NODE UNIT\.\.\.) \[/);
});

test("a mistake in an option is answered with the help of the command that was meant", async () => {
  expect(await main(words("node invite pi --tttl=1h"), "bluechictl")).toBe(1);
  expect(stderr).toBe("bluechictl: unrecognized option '--tttl=1h'\n");
  expect(stdout).toStartWith("Usage: bluechictl node invite NODE [OPTION]...\n");
  expect(stdout).toContain("--ttl=TIME");
});

test.each([
  ["start", "Too few arguments for method start"],
  ["start foo", "Too few arguments for method start"],
  ["start foo bar baz", "Too many arguments for method start"],
  ["enable foo", "Too few arguments for method enable"],
  ["metrics", "Too few arguments for method metrics"],
  ["monitor foo a,b c", "Too many arguments for method monitor"],
  ["set-loglevel", "Too few arguments for method set-loglevel"],
  ["set-loglevel foo INFO DEBUG", "Too many arguments for method set-loglevel"],
  ["list-units foo bar", "Too many arguments for method list-units"],
  ["version now", "Too many arguments for method version"],
  ["start foo bar --force", "Unsupported option 'force' for method 'start'"],
  ["start -w foo bar", "Unsupported option 'watch' for method 'start'"],
  ["disable foo bar --runtime", "Unsupported option 'runtime' for method 'disable'"],
  ["status --color=pink", "Value 'pink' of option --color is invalid"],
  ["kill foo bar --kill-whom=x", "Value 'x' of option --kill-whom is invalid"],
  ["kill foo bar --signal=0", "Value '0' of option --signal is invalid"],
  ["kill foo bar --signal=32", "Value '32' of option --signal is invalid"],
  ["kill foo bar --signal=SIGHUP", "Value 'SIGHUP' of option --signal is invalid"],
  ["metrics x", "Unknown metrics command: x"],
  ["set-default foo x.service", "Error: Unit 'x.service' is not a target unit"],
  ["node invite", "Too few arguments for method node invite"],
  ["node list pi", "Too many arguments for method node list"],
  ["node list --ttl=1h", "Unsupported option 'ttl' for method 'node list'"],
  ["node invite pi --ttl=soon", "Value 'soon' of option --ttl is invalid: a time such as 15m, 1h or 2d"],
  ["cluster rotate-ca --force", "--force goes with --finish only"],
  ["set-loglevel foo info", "Failed to issue method call: Invalid input for log level"],
])("'%s' is a mistake", async (line, message) => {
  expect(await main(words(line), "bluechictl")).toBe(1);
  const name = words(line).slice(0, ["node", "cluster"].includes(words(line)[0] ?? "") ? 2 : 1);
  const usage = /^(Too|Unsupported)/.test(message) ? `Usage: bluechictl ${name.join(" ")} ` : "";
  const [said, more = "", ...none] = stderr.trimEnd().split("\n");
  expect({ stdout, said, none }).toEqual({ stdout: "", said: message, none: [] });
  expect(more.startsWith(usage) && (more === "") === (usage === "")).toBe(true);
});

test.each([
  [["cluster", "init", ""], "The name of the cluster is empty; without a name it is the host's"],
  [["node", "invite", "pi", "--address="], "Value '' of option --address is invalid: HOST or HOST:PORT"],
  [["node", "invite", "pi", "--address=,"], "Value ',' of option --address is invalid: HOST or HOST:PORT"],
])("%j is not taken for what was left out", async (argv, message) => {
  expect(await main(argv, "bluechictl")).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toStartWith(message);
});

test.each(Object.keys(commands))("%s has help", async (name) => {
  expect(await main([...words(name), "--help"], "bluechictl")).toBe(0);
  expect(stdout).toStartWith(`Usage: bluechictl ${name}`);
});

test("the help of a command comes from its declaration", async () => {
  expect(await main(["-h", "enable"], "bluechictl")).toBe(0);
  expect(stdout).toBe(
    [
      "Usage: bluechictl enable NODE UNIT... [OPTION]...",
      "",
      "Enable units.",
      "",
      "Options:",
      "      --runtime          Enable until the next boot only",
      "  -f, --force            Replace links that are in the way",
      "      --no-reload        Do not reload the node's systemd afterwards",
      "  -h, --help             Show this help",
      "      --version          Show the version",
      "      --color=WHEN       Colour states: auto, always or never",
      "      --no-ask-password  Have nobody asked for a password",
      "",
    ].join("\n"),
  );
});

test("the help of a group lists its commands", async () => {
  expect(await main(["node", "--help"], "bluechictl")).toBe(0);
  expect(stdout.match(/^ {2}node .*$/gm)?.length).toBe(6);
  expect(stdout).not.toContain("cluster init");
});

test.each(["help", "--help", "-h"])("%s lists all commands", async (word) => {
  expect(await main([word], "bluechictl")).toBe(0);
  for (const name of Object.keys(commands)) expect(stdout).toContain(`\n  ${name} `);
});

test.each(["version", "--version"])("%s", async (word) => {
  expect(await main([word], "bluechictl")).toBe(0);
  expect(stdout).toMatch(/^bluechictl version \S+-\S+\n$/);
});
