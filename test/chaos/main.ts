/**
 * `npm run chaos -- --seconds 60 --seed 1 --store level|redis --actor sequence|counter|calls`, or with `--nodes 3` over several nodes on
 * one Redis (`--redis single|sentinel|cluster`, `--shards 64`, `--only node-killed`): exit code 0 for a clean verdict, 1 for a
 * violation or a failure, 2 for options that make no sense. Without a store or an actor all are tried, without a seed a random one.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Name } from './driven.js';
import { REDIS_KINDS, type RedisKind } from './nodes-redis.js';
import { passed, tell } from './report.js';
import { runChaos } from './run.js';
import type { StoreKind } from './world.js';

const USAGE =
  'usage: npm run chaos -- [--seconds 60] [--seed N] [--store level|redis] [--actor sequence|counter|calls] ' +
  '[--nodes N [--redis single|sentinel|cluster] [--shards 64] [--only FAULT]]';

interface Options {
  readonly seconds: number;
  readonly seed: number;
  readonly stores: readonly StoreKind[];
  readonly actors: readonly Name[];
  /** 0 for one server. */
  readonly nodes: number;
  readonly shards: number;
  readonly redis: RedisKind;
  readonly only: string;
}

const STORES: readonly StoreKind[] = ['level', 'redis'];
const ACTORS: readonly Name[] = ['sequence', 'counter', 'calls'];

function readOptions(): Options | undefined {
  try {
    const { values } = parseArgs({
      options: {
        seconds: { type: 'string', default: '60' },
        seed: { type: 'string', default: String(randomInt(1_000_000)) },
        store: { type: 'string' },
        actor: { type: 'string' },
        nodes: { type: 'string', default: '0' },
        shards: { type: 'string', default: '64' },
        redis: { type: 'string', default: 'single' },
        only: { type: 'string', default: '' },
      },
    });
    const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
    const [nodes, shards] = [Number(values.nodes), Number(values.shards)];
    const all: readonly StoreKind[] = nodes > 0 ? ['redis'] : STORES;
    const stores = all.filter((store) => (values.store ?? store) === store);
    const actors = ACTORS.filter((actor) => (values.actor ?? actor) === actor);
    const whole = [seed, nodes, shards].every((value) => Number.isSafeInteger(value) && value >= 0);
    const redis = REDIS_KINDS.find((kind) => kind === values.redis);
    const makesSense = seconds > 0 && whole && shards > 0;
    return makesSense && redis && stores.length > 0 && actors.length > 0
      ? { seconds, seed, stores, actors, nodes, shards, redis, only: values.only }
      : undefined;
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
const { stores, actors, ...rest } = options;
let good = true;
for (const actor of actors) for (const store of stores) good = (await tried(actor, store)) && good;
process.exit(good ? 0 : 1);

async function tried(actor: Name, store: StoreKind): Promise<boolean> {
  const teardowns = new Teardowns();
  const interrupt = () => void teardowns.run().then(() => process.exit(130));
  process.once('SIGINT', interrupt);
  try {
    const report = await runChaos(teardowns, { store, actor, ...rest });
    console.log(tell(report));
    return passed(report);
  } finally {
    await teardowns.run();
    process.off('SIGINT', interrupt);
  }
}
