import type { Body } from "../../src/base/body.ts";
import type { SystemdListener } from "../../src/systemd/port.ts";

/** Something that systemd told, in one line: `new web.service`, `state web.service active/running`, `removed job done`. */
interface Told {
  readonly text: string;
  readonly order: number;
}

/** Writes down what systemd tells. */
export class Recorder implements SystemdListener {
  readonly told: Told[] = [];
  readonly #waiting = new Set<() => void>();

  unitNew(unit: string, order: number): void {
    this.#tell(`new ${unit}`, order);
  }

  unitRemoved(unit: string, order: number): void {
    this.#tell(`gone ${unit}`, order);
  }

  unitPropertiesChanged(
    unit: string,
    interfaceName: string,
    _properties: Body,
    state: { activeState?: string; subState?: string },
    order: number,
  ): void {
    if (interfaceName.endsWith(".Unit")) this.#tell(`state ${unit} ${state.activeState}/${state.subState}`, order);
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
    const texts = this.told.map(({ text }) => text).filter((text) => text.match(what));
    return texts.filter((text, index) => text !== texts[index - 1]);
  }

  clear(): void {
    this.told.length = 0;
  }

  /** Resolves as soon as something that matches has been told, with that. */
  heard(what: string | RegExp): Promise<Told> {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.told.find(({ text }) => text.match(what));
        if (!found) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
  }

  #tell(text: string, order = 0): void {
    this.told.push({ text, order });
    for (const look of [...this.#waiting]) look();
  }
}
