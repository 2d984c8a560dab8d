/**
 * `npm run chaos -- --seconds 60 --seed 1 --store level|redis`: exit code 0 for a clean verdict, 1 for a violation or a
 * failure, 2 for options that make no sense. Without a store both are tried, without a seed a random one.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { passed, tell } from './report.js';
import { runChaos } from './run.js';
import type { StoreKind } from './world.js';

const USAGE = 'usage: npm run chaos -- [--seconds 60] [--seed N] [--store level|redis]';

interface Options {
  readonly seconds: number;
  readonly seed: number;
  readonly stores: readonly StoreKind[];
}

function readOptions(): Options | undefined {
  try {
    const { values } = parseArgs({
      options: { seconds: { type: 'string' }, seed: { type: 'string' }, store: { type: 'string' } },
    });
    const seconds = Number(values.seconds ?? 60);
    const seed = Number(values.seed ?? randomInt(1_000_000));
    const { store } = values;
    if (!(seconds > 0) || !Number.isSafeInteger(seed) || seed < 0) return undefined;
    if (store === undefined) return { seconds, seed, stores: ['level', 'redis'] };
    return store === 'level' || store === 'redis' ? { seconds, seed, stores: [store] } : undefined;
  } catch {
    return undefined;
  }
}

/** Ends, last first, what was started. */
class Teardowns {
  readonly #ends: (() => Promise<void>)[] = [];

  teardown(end: () => Promise<void>): void {
    this.#ends.push(end);
  }

  async run(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end();
  }
}

const options = readOptions();
if (!options) {
  console.error(USAGE);
  process.exit(2);
}
const { seconds, seed, stores } = options;
let good = true;
for (const store of stores) {
  const teardowns = new Teardowns();
  const interrupt = () => void teardowns.run().then(() => process.exit(130));
  process.once('SIGINT', interrupt);
  try {
    const report = await runChaos(teardowns, { store, seed, seconds });
    console.log(tell(report));
    good = passed(report) && good;
  } finally {
    await teardowns.run();
    process.off('SIGINT', interrupt);
  }
}
process.exit(good ? 0 : 1);
