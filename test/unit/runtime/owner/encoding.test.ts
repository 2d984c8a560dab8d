/** An owner while a reply is encoded on another thread. */
import t from 'tap';
import { SharedContent } from './fixtures/held-store.js';
import { Instance } from './fixtures/instance.js';
import { Oracle } from './fixtures/oracle.js';
import { turn, WorldClock } from './fixtures/world-clock.js';

class Rig {
  readonly world = new WorldClock();
  readonly content = new SharedContent();
  readonly oracle = new Oracle();
  readonly instance: Instance;

  constructor(durability: 'gated' | 'async' = 'gated') {
    const options = { durability, shared: false, shards: 1 };
    this.instance = new Instance('i', this.world, [this.content], this.oracle, options);
  }

  /** Asks for all of these in one batch. */
  async ask(...asked: Parameters<Instance['ask']>[]): Promise<void> {
    await turn();
    for (const [what, key] of asked) await this.instance.ask(what, key);
    await this.settle();
  }

  async settle(): Promise<void> {
    for (let i = 0; i < 3; i++) await this.instance.flush();
  }

  async encode(isShortEnough = true): Promise<void> {
    await this.instance.encode(isShortEnough);
    await this.settle();
  }

  stored(key: string): number {
    return JSON.parse(this.content.content.states.get(`counter/${key}`) ?? '{"n":0}').n;
  }

  get seen(): string {
    const { answers, refusals, open } = this.oracle;
    return `${answers} answered, ${refusals} refused, ${open} open`;
  }
}

for (const durability of ['gated', 'async'] as const) {
  t.test(`${durability}: a turn counts when its reply is encoded, and later turns wait for it`, async (t) => {
    const rig = new Rig(durability);
    await rig.ask(['add', 'a'], ['add large', 'a'], ['add', 'a'], ['add', 'b']);
    await rig.world.pass(50);
    await rig.settle();
    t.equal(rig.seen, '1 answered, 0 refused, 3 open');
    t.strictSame([rig.stored('a'), rig.stored('b')], [1, 0], 'what came before is stored, and nothing else');
    await rig.ask(['get', 'a']);
    t.equal(rig.seen, '1 answered, 0 refused, 4 open', 'a later batch waits, too');
    await rig.encode();
    await rig.world.pass(50);
    await rig.settle();
    t.equal(rig.seen, '5 answered, 0 refused, 0 open');
    t.strictSame([rig.stored('a'), rig.stored('b')], [3, 1]);
  });
}

t.test('a reply that turns out too large fails its turn, and the state is as it was', async (t) => {
  const rig = new Rig();
  await rig.ask(['add large', 'a'], ['add large', 'a'], ['add', 'a']);
  await rig.encode(false);
  t.equal(rig.seen, '0 answered, 1 refused, 2 open');
  t.equal(rig.stored('a'), 0);
  await rig.encode();
  t.equal(rig.seen, '2 answered, 1 refused, 0 open');
  t.equal(rig.stored('a'), 2);
});

t.test('replies that no link has room for at once leave one after the other', async (t) => {
  const rig = new Rig();
  await rig.ask(['add large', 'a'], ['add large', 'a'], ['add large', 'a']);
  for (let i = 0; i < 3; i++) await rig.encode();
  t.equal(rig.seen, '3 answered, 0 refused, 0 open');
  t.equal(rig.stored('a'), 3);
});

t.test(
  'an owner that dies over an encoding has shown and stored nothing, and its successor begins again',
  async (t) => {
    const rig = new Rig();
    await rig.ask(['add large', 'a'], ['add', 'a']);
    rig.instance.killOwner();
    await rig.settle();
    t.equal(rig.seen, '0 answered, 0 refused, 2 open');
    t.equal(rig.stored('a'), 0);
    await rig.encode();
    t.equal(rig.seen, '2 answered, 0 refused, 0 open');
    t.equal(rig.stored('a'), 2);
  },
);

t.test(
  'a store that goes away over an encoding refuses its turn, which then counts for nothing',
  async (t) => {
    const rig = new Rig();
    await rig.ask(['add', 'a']);
    rig.content.automatic = undefined;
    await rig.ask(['add', 'a']);
    await rig.ask(['add large', 'a'], ['get', 'a']);
    rig.content.automatic = 'fails';
    rig.content.answer('fails');
    await rig.world.pass(2_000);
    await rig.settle();
    t.equal(rig.seen, '1 answered, 2 refused, 0 open');
    t.equal(rig.oracle.unknowns, 1, 'of the commit that failed');
    await rig.encode();
    rig.content.automatic = 'succeeds';
    await rig.world.pass(2_000);
    await rig.ask(['add large', 'a']);
    await rig.encode();
    t.equal(rig.seen, '2 answered, 2 refused, 0 open');
    t.equal(rig.stored('a'), 2);
  },
);

t.test('a store that comes back over an encoding whose turn was refused does not wait for it', async (t) => {
  const rig = new Rig();
  await rig.ask(['add', 'a']);
  rig.content.automatic = undefined;
  await rig.ask(['add', 'a']);
  await rig.ask(['add large', 'a']);
  rig.content.automatic = 'fails';
  rig.content.answer('fails');
  await rig.world.pass(2_000);
  rig.content.automatic = 'succeeds';
  await rig.world.pass(2_000);
  await rig.ask(['add', 'a']);
  t.equal(rig.seen, '2 answered, 1 refused, 0 open');
});
