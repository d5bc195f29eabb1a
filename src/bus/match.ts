/** What a match rule asks of a message (D-Bus specification, "Match Rules"); what is left out matches anything. */
export interface MatchRule {
  readonly type: "signal" | "method_call" | "method_return" | "error";
  readonly sender?: string;
  readonly path?: string;
  readonly pathNamespace?: string;
  readonly interface?: string;
  readonly member?: string;
  readonly arg0?: string;
  readonly arg2?: string;
}

const keys = {
  type: "type",
  sender: "sender",
  path: "path",
  pathNamespace: "path_namespace",
  interface: "interface",
  member: "member",
  arg0: "arg0",
  arg2: "arg2",
} as const;

/** A rule in the text form that AddMatch takes. Inside quotes everything but an apostrophe stands for itself. */
export function matchText(rule: MatchRule): string {
  const parts: string[] = [];
  for (const [name, key] of Object.entries(keys)) {
    const value = rule[name as keyof MatchRule];
    if (value !== undefined) parts.push(`${key}='${value.replaceAll("'", "'\\''")}'`);
  }
  return parts.join(",");
}
