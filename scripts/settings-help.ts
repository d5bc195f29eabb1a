// What is told of settings, in configuration files and manual pages alike.
import type { Setting } from "../src/base/settings.ts";

/** What a change needs that a reload is not enough for. */
const needs = {
  "at once": "",
  "to new links": " After a reload a new value counts for connections that are made from then on.",
  "after a restart": " A new value needs a restart.",
};

export function explained({ help, applies }: Setting): string {
  return help + needs[applies];
}

/** The default as it is written in a file. */
export function defaultText(setting: Setting): string {
  return setting.kind === "list" ? setting.default.join(",") : `${setting.default ?? ""}`;
}
