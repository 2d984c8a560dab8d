/** Who gets which duty, and what the main thread hears of shards that are elsewhere. */
import t from 'tap';
import { type KeptShard, ShardKeeper } from '../../../src/nodes/shard-keeper.js';
import type { Duty } from '../../../src/runtime/owner/owner.js';
import type { NodeEntry, Versions } from '../../../src/store/node-entry.js';
import type { ShardFence } from '../../../src/store/shard-fence.js';
import { nodeCalled } from './node-entry.js';

class FakeShard implements KeptShard {
  serving = false;
  seen: ShardFence | undefined;
  looked = true;
  duty: Duty = 'rest';

  holds(holds: Versions): void {
    this.seen = { holds } as ShardFence;
  }

  assign(duty: Duty): void {
    this.duty = duty;
  }
}

function keeperOf(shards: readonly FakeShard[]) {
  const told: { shard: number; holds: Versions }[] = [];
  let look = () => {};
  const keeper = new ShardKeeper({
    instance: 'old',
    shards,
    owned: shards.map(() => false),
    membership: { state: 'ready', setState: () => {} },
    clock: {
      now: () => 0,
      wall: () => 0,
      after: (_ms: number, callback: () => void) => {
        look = callback;
        return () => {};
      },
    },
    onHolds: (shard, holds) => told.push({ shard, holds }),
    onLeft: () => {},
  });
  return { keeper, told, look: () => look() };
}

const NODES: readonly NodeEntry[] = [
  nodeCalled('old', { actors: { counter: 1 } }),
  nodeCalled('new', { actors: { counter: 2 } }),
];

t.test(
  'what a shard elsewhere holds is told once, so that requests go to a node that can read it',
  async (t) => {
    const shards = Array.from({ length: 4 }, () => new FakeShard());
    const { keeper, told, look } = keeperOf(shards);
    keeper.see(NODES);
    t.ok(
      shards.some(({ duty }) => duty === 'own'),
      'nothing is known of what they hold',
    );
    for (const shard of shards) shard.holds({ counter: 2 });
    look();
    t.strictSame(
      told,
      shards.map((_, shard) => ({ shard, holds: { counter: 2 } })),
    );
    t.notOk(shards.some(({ duty }) => duty === 'own'));
    for (const shard of shards) shard.holds({ counter: 2 });
    look();
    t.equal(told.length, shards.length, 'the fence was renewed, and holds the same');
    shards[1]?.holds({ counter: 3 });
    look();
    t.strictSame(told.at(-1), { shard: 1, holds: { counter: 3 } });
  },
);

t.test('nothing is told of a shard that is here', async (t) => {
  const shard = new FakeShard();
  const { told, look } = keeperOf([shard]);
  shard.serving = true;
  shard.holds({ counter: 1 });
  look();
  t.strictSame(told, []);
  shard.serving = false;
  look();
  t.strictSame(told, [{ shard: 0, holds: { counter: 1 } }]);
});
