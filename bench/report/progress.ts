/** Shows how far the bench is: a bar on a terminal, a line per scenario elsewhere. On standard error. */
import { Presets, SingleBar } from 'cli-progress';

export class Progress {
  readonly #bar: SingleBar | undefined;
  #scenario = '';

  constructor(steps: number) {
    if (!process.stderr.isTTY) return;
    this.#bar = new SingleBar(
      {
        format: '{bar} {percentage}% ({scenario}) {what}',
        barsize: 24,
        hideCursor: true,
        clearOnComplete: true,
        gracefulExit: false,
        stream: process.stderr,
      },
      Presets.shades_classic,
    );
    this.#bar.start(steps, 0, { scenario: '', what: '' });
  }

  begin(scenario: string, title: string): void {
    this.#scenario = scenario;
    if (this.#bar) this.#bar.update({ scenario, what: '' });
    else console.error(`(${scenario}) ${title} …`);
  }

  step(what: string): void {
    this.#bar?.increment(1, { scenario: this.#scenario, what });
  }

  end(): void {
    this.#bar?.stop();
  }
}
