import { apart } from "./apart.ts";

let writes: (() => void)[] = [];
let chores: (() => void)[] = [];
let due = false;
let finishing = false;

/**
 * Has something written when all that goes on at present is done: what has arrived at any socket, and all that goes on because
 * of it. It costs no turn of the loop, as it is done before the loop looks at the sockets again.
 */
export function atEndOfTurn(write: () => void): void {
  writes.push(write);
  plan();
}

/**
 * Has something done that nobody waits for, once all that others wait for has been written. It is done even if the process
 * exits before; who ends it in another way has to call `finishChores`.
 */
export function afterTurn(chore: () => void): void {
  if (!finishing) process.on("exit", finishChores);
  finishing = true;
  chores.push(chore);
  plan();
}

/** Does at once what was put off by `afterTurn`. */
export function finishChores(): void {
  const planned = chores;
  chores = [];
  for (const chore of planned) apart(chore);
}

function plan(): void {
  if (due) return;
  due = true;
  setImmediate(end);
}

function end(): void {
  due = false;
  const planned = writes;
  writes = [];
  for (const write of planned) apart(write);
  finishChores();
}
