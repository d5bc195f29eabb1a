/**
 * D-Bus type signatures (D-Bus specification, "Type system"): parsed once into a small tree that a codec walks, and
 * mapped to TypeScript types, so that the public API, the wire and the calls to systemd share one notation.
 *
 * Values: y n q i u d are numbers, x t bigints, b booleans, s o g strings, `ay` bytes, other arrays arrays, structs
 * tuples, dictionaries Maps (they keep order and any key), variants a `Variant`.
 * Bounds: 255 characters, 32 nested arrays and 32 nested structs, as the specification sets them.
 */
export interface Variant {
  readonly signature: string;
  readonly value: unknown;
}

type BasicCode = "y" | "b" | "n" | "q" | "i" | "u" | "x" | "t" | "d" | "s" | "o" | "g" | "h";

export type Type =
  | { readonly code: BasicCode | "v" }
  | { readonly code: "a"; readonly element: Type }
  | { readonly code: "("; readonly fields: readonly Type[] }
  | { readonly code: "{"; readonly key: Type; readonly value: Type };

const basicCodes = "ybnqiuxtdsogh";
const maxLength = 255;
const maxDepth = 32;

/** A signature that breaks the rules of the D-Bus specification. */
export class SignatureError extends Error {}

const parsed = new Map<string, readonly Type[]>();
const maxParsed = 4096;

/**
 * The complete types in a signature, none for "".
 * @throws SignatureError when it is not a valid signature.
 */
export function parseSignature(signature: string): readonly Type[] {
  const known = parsed.get(signature);
  if (known) return known;
  if (signature.length > maxLength) throw new SignatureError(`signature is longer than ${maxLength} characters`);
  const types: Type[] = [];
  const reader = { text: signature, at: 0 };
  while (reader.at < signature.length) types.push(parseType(reader, 0, 0));
  // Signatures come from outside too, in variants: what is remembered of them is bounded.
  if (parsed.size >= maxParsed) parsed.clear();
  parsed.set(signature, types);
  return types;
}

/**
 * The one complete type that a signature holds, as in a variant.
 * @throws SignatureError when it holds none or several.
 */
export function parseSingle(signature: string): Type {
  const place = placeOf(signature);
  const known = place === undefined ? undefined : short[place];
  if (known) return known;
  const types = parseSignature(signature);
  const [type] = types;
  if (!type || types.length !== 1) throw new SignatureError(`'${signature}' is not a single complete type`);
  if (place !== undefined) short[place] = type;
  return type;
}

/** The types of one or two letters, which nearly all variants are of: to look for a text that has just been read takes longer. */
const short: (Type | undefined)[] = [];

/** Where the type of a short signature is kept. */
function placeOf(signature: string): number | undefined {
  if (signature.length === 0 || signature.length > 2) return undefined;
  const first = signature.charCodeAt(0);
  const second = signature.length === 1 ? 0 : signature.charCodeAt(1);
  return first < 128 && second < 128 ? first * 128 + second : undefined;
}

function parseType(reader: { text: string; at: number }, arrays: number, structs: number): Type {
  const code = reader.text[reader.at++];
  if (code === undefined) throw new SignatureError(`signature '${reader.text}' ends too early`);
  if (basicCodes.includes(code)) return { code: code as BasicCode };
  switch (code) {
    case "v":
      return { code };
    case "a":
      if (arrays >= maxDepth) throw new SignatureError("arrays are nested too deeply");
      if (reader.text[reader.at] === "{") return { code, element: parseEntry(reader, arrays + 1, structs) };
      return { code, element: parseType(reader, arrays + 1, structs) };
    case "(":
      return { code, fields: parseFields(reader, arrays, structs + 1) };
    default:
      throw new SignatureError(`'${code}' in signature '${reader.text}' is no type`);
  }
}

function parseFields(reader: { text: string; at: number }, arrays: number, structs: number): Type[] {
  if (structs > maxDepth) throw new SignatureError("structs are nested too deeply");
  const fields: Type[] = [];
  while (reader.text[reader.at] !== ")") fields.push(parseType(reader, arrays, structs));
  reader.at++;
  if (fields.length === 0) throw new SignatureError("a struct has no fields");
  return fields;
}

function parseEntry(reader: { text: string; at: number }, arrays: number, structs: number): Type {
  if (structs >= maxDepth) throw new SignatureError("structs are nested too deeply");
  reader.at++;
  const key = parseType(reader, arrays, structs + 1);
  if (!basicCodes.includes(key.code)) throw new SignatureError("the key of a dictionary is no basic type");
  const value = parseType(reader, arrays, structs + 1);
  if (reader.text[reader.at++] !== "}") throw new SignatureError("a dictionary entry has no closing brace");
  return { code: "{", key, value };
}

interface BasicValues {
  y: number;
  b: boolean;
  n: number;
  q: number;
  i: number;
  u: number;
  x: bigint;
  t: bigint;
  d: number;
  s: string;
  o: string;
  g: string;
  h: number;
  v: Variant;
}

/** [the value's type, the rest of the signature] */
type One<S extends string> = S extends `ay${infer Rest}`
  ? [Uint8Array, Rest]
  : S extends `a{${infer Rest}`
    ? Entry<Rest>
    : S extends `a${infer Rest}`
      ? One<Rest> extends [infer V, infer After]
        ? [V[], After]
        : never
      : S extends `(${infer Rest}`
        ? Fields<Rest, []>
        : S extends `${infer Code}${infer Rest}`
          ? Code extends keyof BasicValues
            ? [BasicValues[Code], Rest]
            : never
          : never;

type Entry<S extends string> =
  One<S> extends [infer K, infer Rest extends string]
    ? One<Rest> extends [infer V, `}${infer After}`]
      ? [Map<K, V>, After]
      : never
    : never;

type Fields<S extends string, Sofar extends unknown[]> = S extends `)${infer Rest}`
  ? [Sofar, Rest]
  : One<S> extends [infer V, infer Rest extends string]
    ? Fields<Rest, [...Sofar, V]>
    : never;

/** The TypeScript type of a value with the single complete type S, for example `ValueOf<"a(so)">`. */
export type ValueOf<S extends string> = One<S> extends [infer V, ""] ? V : never;

/** The TypeScript types of named values, each with its signature: `{ name: "s" }` gives `{ name: string }`. */
export type ValuesOf<Named extends Record<string, string>> = { -readonly [Name in keyof Named]: ValueOf<Named[Name]> };
