import type { Body } from "../../src/base/body.ts";
import type { SystemdListener } from "../../src/systemd/port.ts";

/** Writes down what systemd tells, in lines: `new web.service`, `state web.service active/running`. */
export class Recorder implements SystemdListener {
  readonly told: string[] = [];
  readonly #waiting = new Set<() => void>();

  unitNew(unit: string): void {
    this.#tell(`new ${unit}`);
  }

  unitRemoved(unit: string): void {
    this.#tell(`gone ${unit}`);
  }

  /** What is not to be told of. */
  deafTo: string | undefined;

  listensTo(unit: string): boolean {
    return unit !== this.deafTo;
  }

  unitPropertiesChanged(
    unit: string,
    interfaceName: string,
    _properties: Body,
    state: { activeState?: string; subState?: string },
  ): void {
    if (interfaceName.endsWith(".Unit")) this.#tell(`state ${unit} ${state.activeState}/${state.subState}`);
  }

  jobStateChanged(path: string, state: string): void {
    this.#tell(`job ${path} ${state}`);
  }

  jobRemoved(path: string, unit: string, result: string): void {
    this.#tell(`job ${path} of ${unit} ${result}`);
  }

  lost(): void {
    this.#tell("lost");
  }

  /** What was told that a text or pattern matches, with neighbours that say the same told once. */
  all(what: string | RegExp): string[] {
    const matching = this.told.filter((text) => text.match(what));
    return matching.filter((text, index) => text !== matching[index - 1]);
  }

  clear(): void {
    this.told.length = 0;
  }

  /** Resolves as soon as something that matches has been told, with that. */
  heard(what: string | RegExp): Promise<string> {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.told.find((text) => text.match(what));
        if (found === undefined) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
  }

  #tell(text: string): void {
    this.told.push(text);
    for (const look of [...this.#waiting]) look();
  }
}
