interface Row {
  /** What is allowed with it, for the manual page. */
  readonly help: string;
  /** It changes nothing. */
  readonly reads?: true;
  /** Whoever may do that may do anything on the host, whatever is said of units. */
  readonly boundless?: true;
}

/** What a controller can ask of an agent, in the words of AllowVerbs=. */
export const verbs = {
  list: { reads: true, help: "Lists of units and of unit files, the states of all units, and the default target." },
  status: { reads: true, help: "Properties of a unit, its state, and what changes of them." },
  start: { help: "Start a unit." },
  stop: { help: "Stop a unit." },
  restart: { help: "Restart a unit." },
  reload: { help: "Have a unit read its configuration again." },
  cancel: { help: "Cancel the job of a unit." },
  kill: { help: "Send signals to a unit's processes." },
  freeze: { help: "Freeze a unit." },
  thaw: { help: "Thaw a unit." },
  "reset-failed": { help: "Forget that a unit has failed, or that any has." },
  dependency: { help: "Start a unit because one of another node needs it, and tell its state." },
  "set-property": { help: "Set properties of a unit." },
  enable: { help: "Enable a unit file." },
  disable: { help: "Disable a unit file." },
  "set-default": { help: "Make a target the one to boot into." },
  "start-transient": { boundless: true, help: "Run any program as a unit of its own." },
  "daemon-reload": { help: "Have systemd read all unit files again." },
  "log-level": { help: "Set the level of the agent's log." },
} as const satisfies Record<string, Row>;

export type Verb = keyof typeof verbs;

const rows: Readonly<Record<Verb, Row>> = verbs;
export const verbNames = Object.keys(verbs) as readonly Verb[];

const readOnly = verbNames.filter((verb) => rows[verb].reads);

/** Words of AllowVerbs= that stand for several verbs. */
export const presets = {
  all: verbNames,
  "read-only": readOnly,
  lifecycle: [
    ...readOnly,
    ...(["start", "stop", "restart", "reload", "cancel", "kill", "freeze", "thaw", "reset-failed"] as const),
    "dependency",
  ],
} as const satisfies Record<string, readonly Verb[]>;

export type VerbWord = Verb | keyof typeof presets;

export function isVerbWord(word: string): word is VerbWord {
  return Object.hasOwn(verbs, word) || Object.hasOwn(presets, word);
}

/** Whether a verb changes nothing. */
export const isReading = (verb: Verb): boolean => rows[verb].reads === true;

/**
 * The verbs that words stand for. Presets do without what would undo a restriction of the units.
 * @param bounded whether the units are restricted.
 */
export function verbsOf(words: readonly VerbWord[], bounded: boolean): ReadonlySet<Verb> {
  const preset = (word: keyof typeof presets) => presets[word].filter((verb) => !(bounded && rows[verb].boundless));
  return new Set(words.flatMap((word) => (Object.hasOwn(presets, word) ? preset(word as never) : [word as Verb])));
}
