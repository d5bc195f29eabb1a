import { harmless } from "../../base/printable.ts";
import type { Context } from "./context.ts";

/** Clears the screen; programs that follow a watch know it as the beginning of a table. */
const clearScreen = "\u001B[2J\u001B[0;0H";

// What a terminal understands (XTerm Control Sequences; the first two are "synchronized output", passed over by others).
const holdOutput = "\u001B[?2026h";
const releaseOutput = "\u001B[?2026l";
const home = "\u001B[H";
const eraseRestOfLine = "\u001B[K";
const eraseBelow = "\u001B[J";

/**
 * Shows lines in place of those that were shown before, and below them what went wrong. On a terminal they are written
 * over the old ones, in one go, so that nothing flickers; what is more than the terminal has rows is counted only.
 */
export function repaint(context: Context, lines: readonly string[], complaints: readonly string[] = []): void {
  const { terminal } = context;
  if (!terminal) {
    for (const line of complaints) context.complain(line);
    context.print(clearScreen + lines.join("\n"));
    return;
  }
  const all = [...lines, ...complaints];
  // The cursor ends in a row of its own.
  const room = Math.max(1, terminal.rows - 1);
  const shown = all.length <= room ? all : [...all.slice(0, room - 1), `... and ${all.length - room + 1} more`];
  const text = shown.map((line) => harmless(line) + eraseRestOfLine).join("\n");
  terminal.draw(`${holdOutput}${home}${text}${eraseBelow}${releaseOutput}\n`);
}
