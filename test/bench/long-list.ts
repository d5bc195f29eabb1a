// How `bluechictl list-units` grows with what it lists: by a controller that knows nothing but a long answer.
import { join } from "node:path";
import { controllerName } from "../../src/api/names.ts";
import { ErrorName, Failure } from "../../src/base/failure.ts";
import { BusConnection } from "../../src/bus/connection.ts";
import { encodeBody } from "../../src/bus/marshal.ts";
import { startTestBus } from "../../src/bus/test-bus.ts";
import { unitPath } from "../../src/systemd/object-path.ts";
import { must } from "../testbed/command.ts";
import type { Check, Part, Row } from "./report.ts";
import { Sample, scaled, timed } from "./sample.ts";
import type { World } from "./world.ts";

const sizes = [1000, 10_000, 100_000] as const;
const rounds = 5;
const maxMs = 1000;
const program = join(import.meta.dir, "../../dist/bluechi");

export const longList: Part<World> = {
  name: "long-list",
  async run() {
    await using bus = await startTestBus();
    const connection = await BusConnection.open(bus.address);
    await connection.requestName(controllerName);
    const argv = ["env", `DBUS_SYSTEM_BUS_ADDRESS=${bus.address}`, program, "ctl", "list-units", "node"];
    const rows: Row[] = [];
    const perUnit: number[] = [];
    const checks: Check[] = [];
    for (const size of sizes) {
      const body = unitsBody(size);
      connection.onCall((call) => {
        if (call.member === "ListUnits") call.reply(body);
        else call.error(new Failure(ErrorName.UnknownMethod, call.member));
      });
      const times: number[] = [];
      for (let round = 0; round < scaled(rounds); round++) times.push(await timed(() => must(argv)));
      const { median, sorted } = new Sample(times);
      rows.push([`${size} units`, median, sorted.at(-1) ?? 0]);
      perUnit.push((median - Number(rows[0]?.[1])) / (size - sizes[0]));
      if (size === 100_000) checks.push({ what: `${size} units`, value: median, below: maxMs, unit: "ms" });
    }
    connection.close();
    const [, tenth = 0, all = 0] = perUnit;
    checks.push({ what: "a unit of 100,000", value: all / tenth, below: 2, unit: "times one of 10,000" });
    return [{ title: "bluechictl list-units, ms", columns: ["median", "worst"], rows, checks }];
  },
};

function unitsBody(size: number) {
  const unit = (index: number) => {
    const name = `bench-many-${index}.service`;
    return [name, "One of many units", "loaded", "active", "running", "", unitPath(name), 0, "", "/"];
  };
  return encodeBody("a(ssssssouso)", [Array.from({ length: size }, (_, index) => unit(index))]);
}
