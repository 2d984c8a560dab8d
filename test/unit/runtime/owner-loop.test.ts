/** Mailbox, turns and gate, as far as the store answers. What happens when it does not: `owner-recovery.test.ts`. */
import t from 'tap';
import { TURN_IN_PROGRESS, VITAL_SIGNS } from '../../../src/runtime/protocol.js';
import { recordOf } from '../store/record-of.js';
import { OwnerBench, turn } from './owner-bench.js';

/** Who the owner of a bench is. */
const BENCH = { writer: 'this process', instance: 'this instance' };

t.test('a fresh sequence begins where it was told to, with a record of the first epoch', async (t) => {
  const bench = new OwnerBench({ freshState: async () => ({ state: 7, origin: 'predecessor' }) });
  void bench.owner.start();
  await turn();
  const record = recordOf({ state: 7, ...BENCH });
  t.strictSame(bench.store.record, record);
  const acknowledged = { epoch: 1, version: 1, state: 7 };
  t.strictSame(bench.posts, [{ kind: 'serving', acknowledged, origin: 'predecessor' }]);
});

t.test(
  'an owner goes on where the store stands, in the next epoch, and asks for no fresh state',
  async (t) => {
    const bench = new OwnerBench({
      freshState: () => Promise.reject(new Error('there is a record')),
    });
    bench.store.record = recordOf({ epoch: 4, version: 90, state: 33, writer: 'another' });
    void bench.owner.start();
    await turn();
    t.strictSame(bench.store.record, recordOf({ epoch: 5, version: 90, state: 33, ...BENCH }));
    t.match(bench.posts, [{ kind: 'serving', origin: 'stored' }]);
  },
);

t.test('a reply never leaves before its commit', async (t) => {
  const bench = await OwnerBench.serving();
  await bench.deliver('next');
  t.strictSame(bench.waiting, ['commit']);
  t.strictSame(bench.heard(), []);
  await bench.answer();
  t.strictSame(bench.heard(), [[1]]);
  t.equal(bench.store.record?.state, 1);
});

t.test('replies carry the state that they have shown, and no more', async (t) => {
  const bench = await OwnerBench.serving();
  await bench.deliver('next');
  await bench.deliver('next', 'next');
  await bench.answer();
  t.match(bench.posts, [{ kind: 'replies', acknowledged: { epoch: 1, version: 2, state: 1 } }]);
  await bench.answer();
  t.match(bench.posts[1], { kind: 'replies', acknowledged: { epoch: 1, version: 3, state: 3 } });
});

t.test('a read with nothing uncommitted before it leaves at once', async (t) => {
  const bench = await OwnerBench.serving();
  await bench.deliver('current', 'previous', 'next', 'current', 'previous');
  t.strictSame(bench.heard(), [[0, 0]], 'the reads before the write, and those alone');
  await bench.answer();
  t.strictSame(bench.heard(), [[1, 1, 0]]);
  t.equal(bench.store.commits, 2, 'one for the reign and one for the group');
});

t.test('reads alone need no commit', async (t) => {
  const bench = await OwnerBench.serving();
  await bench.deliver('current', 'previous');
  t.strictSame(bench.heard(), [[0, 0]]);
  t.strictSame(bench.waiting, []);
});

t.test('a read that arrives during a commit waits for its turn', async (t) => {
  const bench = await OwnerBench.serving();
  await bench.deliver('next');
  await bench.deliver('current');
  t.strictSame(bench.heard(), []);
  await bench.answer();
  t.strictSame(
    bench.heard(),
    [[1, 1]],
    'then it needs no commit of its own, and leaves together with the write',
  );
  t.strictSame(bench.waiting, []);
});

t.test('one commit covers all that arrived meanwhile, and only one is in flight', async (t) => {
  const bench = await OwnerBench.serving();
  await bench.deliver('next');
  for (let at = 0; at < 20; at++) await bench.deliver('next', 'current');
  t.strictSame(bench.waiting, ['commit']);
  await bench.answer();
  t.strictSame(bench.waiting, ['commit']);
  t.strictSame(bench.heard(), [[1]]);
  await bench.answer();
  t.strictSame(bench.heard(), [Array.from({ length: 20 }, (_, at) => [at + 2, at + 2]).flat()]);
  t.equal(bench.store.record?.version, 3);
  t.strictSame(bench.waiting, []);
});

t.test('a refused message changes nothing and needs no commit', async (t) => {
  const bench = await OwnerBench.serving({
    behavior: {
      actor: 'full',
      receive: (state) => (state === 0 ? { state: 1, reply: 1 } : { state, reply: 'sequence-exhausted' }),
    },
  });
  await bench.deliver('next', 'next');
  await bench.answer();
  t.strictSame(bench.heard(), [[1, 'sequence-exhausted']]);
  await bench.deliver('next');
  t.strictSame(bench.heard(), [['sequence-exhausted']]);
  t.strictSame(bench.waiting, []);
});

t.test('messages that come before the state was restored wait for it', async (t) => {
  const bench = new OwnerBench();
  bench.store.automatic = undefined;
  void bench.owner.start();
  await bench.deliver('current', 'next');
  t.strictSame(bench.heard(), []);
  await bench.answer();
  await bench.answer();
  t.strictSame(bench.heard(), ['serving', [0]]);
  await bench.answer();
  t.strictSame(bench.heard(), [[1]]);
});

t.test('the turn that ends the owner is marked by its position, and none is between turns', async (t) => {
  const vitalSigns = new Int32Array(VITAL_SIGNS);
  const marks: number[] = [];
  const bench = await OwnerBench.serving({
    vitalSigns,
    behavior: {
      actor: 'noting',
      receive: (state, message) => {
        marks.push(vitalSigns[TURN_IN_PROGRESS] as number);
        if (message === 2) throw new Error('poison');
        return { state, reply: state };
      },
    },
  });
  await bench.deliver('current', 'next', 'current');
  t.strictSame(marks, [1, 2, 3]);
  t.equal(vitalSigns[TURN_IN_PROGRESS], 0);
  await t.rejects(bench.deliver('current', 'previous'), /poison/);
  t.equal(vitalSigns[TURN_IN_PROGRESS], 5);
  t.strictSame(bench.heard(), [[0, 0, 0]], 'and nothing of its batch has left');
});

t.test('async: a reply leaves at once, and the checkpoint follows with the newest state', async (t) => {
  const bench = await OwnerBench.serving({ durability: 'async' });
  await bench.deliver('next', 'current');
  t.strictSame(bench.heard(), [[1, 1]]);
  for (let at = 0; at < 10; at++) await bench.deliver('next');
  t.strictSame(bench.waiting, ['commit'], 'one at a time');
  await bench.answer();
  t.equal(bench.store.record?.state, 1);
  t.strictSame(bench.waiting, [], 'and not one upon the other');
  await bench.advance(10);
  await bench.answer();
  t.equal(bench.store.record?.state, 11, 'the states between are left out');
  await bench.advance(10);
  t.strictSame(bench.waiting, []);
});

t.test('async: the checkpoint never goes backwards, and reads cause none', async (t) => {
  const bench = await OwnerBench.serving({ durability: 'async' });
  const states: number[] = [];
  bench.store.onSwap = (_, { state }) => states.push(state);
  for (let at = 0; at < 50; at++) {
    await bench.deliver('next', 'current');
    if (at % 3 === 0) await bench.advance(5);
    if (bench.waiting.length > 0 && at % 2 === 0) await bench.answer();
  }
  while (states.at(-1) !== 50) {
    if (bench.waiting.length > 0) await bench.answer();
    else await bench.advance(10);
  }
  t.strictSame(
    states,
    states.toSorted((a, b) => a - b),
  );
  t.equal(states.at(-1), 50);
  await bench.deliver('current');
  t.strictSame(bench.waiting, []);
});

t.test('stop: what waits is answered and committed before the store is closed', async (t) => {
  const bench = await OwnerBench.serving();
  await bench.deliver('next');
  await bench.deliver('next', 'current');
  bench.owner.stop();
  await turn();
  t.notOk(bench.store.closed);
  await bench.answer();
  await bench.answer();
  t.strictSame(bench.heard(), [[1], [2, 2], 'stopped']);
  t.equal(bench.store.record?.state, 2);
  t.ok(bench.store.closed);
});

t.test('stop: an idle owner stops at once', async (t) => {
  const bench = await OwnerBench.serving();
  bench.owner.stop();
  await turn();
  t.strictSame(bench.heard(), ['stopped']);
});

t.test('stop: an async owner brings its checkpoint up to date first', async (t) => {
  const bench = await OwnerBench.serving({ durability: 'async' });
  await bench.deliver('next');
  await bench.deliver('next');
  bench.owner.stop();
  await turn();
  t.notOk(bench.store.closed);
  await bench.answer();
  await bench.answer();
  t.equal(bench.store.record?.state, 2);
  t.strictSame(bench.heard(), [[1], [2], 'stopped']);
});

t.test('stop: before the state was restored, what waits is refused', async (t) => {
  const bench = new OwnerBench();
  bench.store.automatic = undefined;
  void bench.owner.start();
  await bench.deliver('next');
  bench.owner.stop();
  await turn();
  t.strictSame(bench.heard(), [['store-unavailable'], 'stopped']);
});
