import { globMatcher } from "../../base/glob.ts";
import { isUnitName } from "../../base/names.ts";
import { isReading, type Verb, type VerbWord, verbsOf } from "./verbs.ts";

/** What the configuration allows the controller. */
export interface PolicySettings {
  readonly AllowUnits: readonly string[];
  readonly DenyUnits: readonly string[];
  readonly AllowVerbs: readonly VerbWord[];
}

/** All units of the host, also those that nobody has named. */
export const everyUnit = Symbol("every unit");

/** What a verb is to be done to: nothing of its own, every unit, or one with all its names. */
export type Concern = undefined | typeof everyUnit | readonly string[];

/** A pattern of AllowUnits= or DenyUnits=. */
interface Pattern {
  readonly text: string;
  matches(name: string): boolean;
}

/** What a controller may do to which units. Decides by names alone; which names a unit has is asked of systemd. */
export class Policy {
  /** Whether all is allowed to all units. */
  readonly isOpen: boolean;
  /** Whether it depends on the unit what is allowed. */
  readonly boundsUnits: boolean;
  readonly #allowed: readonly Pattern[];
  readonly #denied: readonly Pattern[];
  readonly #verbs: ReadonlySet<Verb>;

  constructor({ AllowUnits, DenyUnits, AllowVerbs }: PolicySettings) {
    this.#allowed = AllowUnits.map(patternOf);
    this.#denied = DenyUnits.map(patternOf);
    const boundsAllowed = AllowUnits.length > 0 && !AllowUnits.includes("*");
    this.boundsUnits = boundsAllowed || DenyUnits.length > 0;
    this.#verbs = verbsOf(AllowVerbs, this.boundsUnits);
    this.isOpen = !this.boundsUnits && AllowVerbs.includes("all");
  }

  /**
   * @param anyOf one of these verbs is enough.
   * @param unit for a unit its names, the first of which it was called by.
   * @returns the setting that refuses it, undefined when it is allowed.
   */
  refusal(anyOf: readonly Verb[], unit: Concern): keyof PolicySettings | undefined {
    const verb = anyOf.find((each) => this.#verbs.has(each));
    if (verb === undefined) return "AllowVerbs";
    if (unit === undefined || !this.boundsUnits) return undefined;
    if (unit === everyUnit) return this.#denied.length > 0 ? "DenyUnits" : "AllowUnits";
    const names = unit.flatMap(withTemplate);
    if (this.#denied.some((pattern) => names.some(pattern.matches) || unit.some((name) => mayReach(pattern, name)))) {
      return "DenyUnits";
    }
    if (!isReading(verb) && unit.some(holdsOthers)) {
      // What is done to a slice is done to all that is in it.
      return this.#allowed.some(({ text }) => unit.includes(text)) ? undefined : this.#bound;
    }
    if (this.#allowed.length === 0) return undefined;
    return this.#allowed.some(({ matches }) => names.some(matches)) ? undefined : "AllowUnits";
  }

  /** The setting that says which units are meant. */
  get #bound(): keyof PolicySettings {
    return this.#allowed.length > 0 ? "AllowUnits" : "DenyUnits";
  }
}

/** Allows all, as when nothing is configured. */
export const openPolicy = new Policy({ AllowUnits: [], DenyUnits: [], AllowVerbs: ["all"] });

/** As systemctl(1) takes a pattern: a glob, and a plain name without a unit's suffix means the service. */
function patternOf(text: string): Pattern {
  const plain = !wildcard.test(text);
  const pattern = plain && !isUnitName(text) ? `${text}.service` : text;
  return { text: pattern, matches: globMatcher(pattern) };
}

const wildcard = /[*?[\\]/;
/** The two parts of a template's or an instance's name around its instance. */
const instanceName = /^([^@]+@)(.*)(\.[a-z]+)$/;

/** An instance is meant by its template's name, too. */
function withTemplate(name: string): string[] {
  const [, prefix, instance, suffix] = instanceName.exec(name) ?? [];
  return instance ? [name, `${prefix}${suffix}`] : [name];
}

/**
 * Whether a pattern may match an instance of a template, all of which are enabled and disabled with it. Decided by what
 * stands before the pattern's first and behind its last character with a meaning: it may say so of too many.
 */
function mayReach({ text }: Pattern, name: string): boolean {
  const [, prefix = "", instance, suffix = ""] = instanceName.exec(name) ?? [];
  if (instance !== "") return false;
  const [begin = ""] = text.split(wildcard, 1);
  const end = /[^*?\]\\]*$/.exec(text)?.[0] ?? "";
  const glob = begin !== text;
  const fitsBegin = begin.startsWith(prefix) || (glob && prefix.startsWith(begin));
  const fitsEnd = end.endsWith(suffix) || (glob && suffix.endsWith(end));
  return fitsBegin && fitsEnd;
}

function holdsOthers(name: string): boolean {
  return name.endsWith(".slice");
}
