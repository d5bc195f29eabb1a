const units: Record<string, number> = { "": 1, s: 1, sec: 1, m: 60, min: 60, h: 3600, hr: 3600, d: 86_400 };

/**
 * The seconds of a time span such as `90`, `15m` or `1h 30m` (systemd.time(7), of its units those from seconds to days).
 * @returns undefined for what is none.
 */
export function parseTimeSpan(text: string): number | undefined {
  if (!/^\s*(\d{1,9}\s*[a-z]*\s*)+$/.test(text)) return undefined;
  let seconds = 0;
  for (const [, digits, unit = ""] of text.matchAll(/(\d+)\s*([a-z]*)/g)) {
    if (!Object.hasOwn(units, unit)) return undefined;
    seconds += Number(digits) * (units[unit] ?? 0);
  }
  return seconds;
}
