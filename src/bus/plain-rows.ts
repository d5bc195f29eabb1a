import type { Type } from "../base/signature.ts";
import { isPathAt } from "./path-bytes.ts";

// Most long bodies are lists of rows of texts, and most texts are ASCII. Such rows are checked by the row: with a few steps for
// each text, which find where it ends, and one for each four bytes. Whatever is not as plain is left to who looks at each
// text by itself (validate.ts), and says what is wrong with it, if anything.
//
// A byte that is NUL or not ASCII is called odd. A row whose texts have none has as many as there are in its lengths, its numbers
// and its padding, with the ends of the texts.

/** The most words of a row: so many bytes can be counted in each byte of a number with a sign. */
const maxWords = 127;

const text = 0;
const path = 1;
const number = 2;
const kinds: Readonly<Record<string, number>> = { s: text, o: path, u: number, i: number };

/** What plain rows of this type are made of; undefined when there are none. */
export function columnsOf(type: Type): Uint8Array | undefined {
  if (type.code !== "(") return undefined;
  const columns = type.fields.map(({ code }) => kinds[code]);
  return columns.includes(undefined) ? undefined : Uint8Array.from(columns as number[]);
}

/** A body, by bytes, by two and by four of them, without the last few that make no two or four. */
export interface Views {
  readonly bytes: Uint8Array;
  readonly halves: Uint16Array;
  readonly words: Int32Array;
}

/**
 * Goes over rows as long as they are plain.
 * @param at where the first one begins, or the padding before it.
 * @returns where the first row begins that is not plain, or the padding before it: no later than `end`.
 */
export function plainEnd({ bytes, halves, words }: Views, at: number, end: number, columns: Uint8Array): number {
  const last = Math.min(end >>> 2, words.length);
  let done = at;
  // All that is in a row begins at a word.
  let row = (at + 3) >>> 2;
  if ((at & 3) !== 0 && (row > last || (words[at >>> 2] as number) >>> ((at & 3) << 3) !== 0)) return done;
  for (;;) {
    let odd = 0;
    let word = row;
    if ((word & 1) !== 0) {
      if (word >= last || words[word] !== 0) return done;
      odd = 4;
      word++;
    }
    for (let index = 0; index < columns.length; index++) {
      if (word >= last) return done;
      const value = words[word] as number;
      word++;
      odd += sum(oddIn(value));
      const column = columns[index] as number;
      if (column === number) continue;
      if (value < 0 || value > maxWords << 2) return done;
      const start = word << 2;
      const stop = start + value;
      word = stop >>> 2;
      // The end of the text, and the padding up to the next word, are zeros.
      const left = (stop & 3) << 3;
      if (word >= last || (words[word] as number) >>> left !== 0) return done;
      if (column === path && !isPathAt(bytes, halves, start, stop)) return done;
      odd += 4 - (stop & 3);
      word++;
    }
    if (word - row > maxWords) return done;
    let counts = 0;
    for (let index = row; index < word; index++) counts += oddIn(words[index] as number);
    if (sum(counts) !== odd) return done;
    row = word;
    done = row << 2;
  }
}

/** 1 in each byte that is odd. (With names for its numbers it takes the runtime three times as long.) */
function oddIn(word: number): number {
  return ((~(((word & 0x7f7f7f7f) + 0x7f7f7f7f) | 0) | word) >>> 7) & 0x01010101;
}

/** The sum of four bytes. */
function sum(counts: number): number {
  return (counts & 0xff) + ((counts >>> 8) & 0xff) + ((counts >>> 16) & 0xff) + (counts >>> 24);
}
