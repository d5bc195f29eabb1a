import { expect, test } from "bun:test";
import { parseIni } from "../../base/ini.ts";
import { contradictions, dropInText, replaced } from "./configuration.ts";

const membership = { node: "pi", address: "tls:host=laptop,port=843" };
const ini = (lines: string, file = "/etc/bluechi/agent.conf") => parseIni(`[bluechi-agent]\n${lines}\n`, file);

test("the file says who the agent is, where its controller is, and that its link is secure", () => {
  const written = parseIni(dropInText(membership), "zz-join.conf").get("bluechi-agent");
  expect([...(written ?? [])].map(([key, { value }]) => `${key}: ${value}`)).toEqual([
    "NodeName: pi",
    "ControllerAddress: tls:host=laptop,port=843",
    "Security: tls",
  ]);
});

test("what counted before, and does no more, is told with its place", () => {
  const before = ini("NodeName=old\nControllerHost=a,b\nLogLevel=DEBUG\nSecurity=tls\nControllerPort=");
  expect(replaced(before, membership)).toEqual([
    "NodeName=old (/etc/bluechi/agent.conf, line 2) counts no more",
    "ControllerHost=a,b (/etc/bluechi/agent.conf, line 3) counts no more",
  ]);
  expect(replaced(ini("NodeName=x", "/usr/share/bluechi-agent/config/agent.conf"), membership)).toEqual([]);
  expect(replaced(new Map(), membership)).toEqual([]);
});

test("what counts before the file is told, too", () => {
  expect(contradictions(ini(dropInText(membership).split("\n").slice(2).join("\n")), membership)).toEqual([]);
  const over = ini("NodeName=other\nControllerAddress=tls:host=laptop,port=843\nSecurity=tls", "/etc/zzz.conf");
  expect(contradictions(over, membership)).toEqual(["NodeName=other (/etc/zzz.conf, line 2)"]);
});
