import { expect, test } from "bun:test";
import { parseIni } from "../../base/ini.ts";
import { readAgentSettings } from "./settings.ts";

const settingsOf = (enrolled: boolean, ...lines: string[]) =>
  readAgentSettings(parseIni(["[bluechi-agent]", ...lines].join("\n"), "agent.conf"), enrolled);

test.each([
  ["", "tcp:host=127.0.0.1,port=842"],
  ["ControllerHost=", "tcp:host=127.0.0.1,port=842"],
  ["ControllerHost=,", "tcp:host=127.0.0.1,port=842"],
  ["ControllerHost=laptop", "tcp:host=laptop,port=842"],
  ["ControllerHost=fe80::1%eth0", "tcp:host=fe80::1%eth0,port=842"],
  ["ControllerHost=[::1]", "tcp:host=::1,port=842"],
  ["ControllerHost=laptop:1842", "tcp:host=laptop,port=1842"],
  ["ControllerHost=[::1]:1842", "tcp:host=::1,port=1842"],
  [
    "ControllerHost=a, b:1,::2,a, [::3]:4",
    "tcp:host=a,port=842 tcp:host=b,port=1 tcp:host=::2,port=842 tcp:host=::3,port=4",
  ],
  ["ControllerPort=1\nControllerHost=a,b:2", "tcp:host=a,port=1 tcp:host=b,port=2"],
  ["ControllerHost=a\nControllerAddress=unix:path=/b", "unix:path=/b"],
  ["ControllerAddress=tcp:host=a,port=1; unix:path=/b;;tcp:host=a,port=1", "tcp:host=a,port=1 unix:path=/b"],
  // What makes no sense is told at each attempt.
  ["ControllerAddress=garbage", "garbage"],
  ["ControllerHost=a:b", "tcp:host=a,port=b"],
])("%p: %s", (lines, expected) => {
  expect(settingsOf(false, lines).controllers).toEqual(expected.split(" "));
});

test.each([
  [false, "", false, "tcp:host=127.0.0.1,port=842"],
  [true, "", true, "tls:host=127.0.0.1,port=843"],
  [false, "Security=tls\nControllerHost=a", true, "tls:host=a,port=843"],
  [true, "Security=plain\nControllerHost=a", false, "tcp:host=a,port=842"],
  [true, "ControllerPort=1\nControllerHost=a,b:2", true, "tls:host=a,port=1 tls:host=b,port=2"],
  // It is refused when it is connected to.
  [true, "ControllerAddress=tcp:host=a,port=1", true, "tcp:host=a,port=1"],
])("with a certificate %p, %p: secure %p, %s", (enrolled, lines, secure, controllers) => {
  expect(settingsOf(enrolled, lines)).toMatchObject({ secure, controllers: controllers.split(" ") });
});

test("a verb that there is not is an error, not ignored", () => {
  const read = (line: string) => settingsOf(false, line).policy.refusal(["kill"], ["a.service"]);
  expect(read("AllowVerbs=lifecycle")).toBeUndefined();
  expect(read("AllowVerbs=")).toBeUndefined();
  expect(read("AllowVerbs=start, read-only")).toBe("AllowVerbs");
  expect(read("DenyUnits=a")).toBe("DenyUnits");
  expect(read("AllowUnits=b,c*")).toBe("AllowUnits");
  expect(() => read("AllowVerbs=start,Kill")).toThrow(
    /^Invalid AllowVerbs 'Kill', only all, .*kill.*, separated by commas \(agent.conf, line 2\)$/,
  );
});
