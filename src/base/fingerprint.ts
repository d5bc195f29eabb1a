/** A fingerprint, of hexadecimal digits, as people compare it: in groups of four, and still one word. */
export function printFingerprint(fingerprint: string): string {
  return fingerprint.match(/.{1,4}/g)?.join(":") ?? "";
}
