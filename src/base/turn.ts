import { apart } from "./apart.ts";

let chores: (() => void)[] = [];
let due = false;
let finishing = false;

/**
 * Has something done that nobody waits for, once all that others wait for has been written: in the present turn of the loop,
 * before it looks at the sockets again. It is done even if the process exits before; who ends it in another way has to call
 * `finishChores`.
 */
export function afterTurn(chore: () => void): void {
  if (!finishing) process.on("exit", finishChores);
  finishing = true;
  chores.push(chore);
  if (due) return;
  due = true;
  setImmediate(() => {
    due = false;
    finishChores();
  });
}

/** Does at once what was put off by `afterTurn`. */
export function finishChores(): void {
  const planned = chores;
  chores = [];
  for (const chore of planned) apart(chore);
}
