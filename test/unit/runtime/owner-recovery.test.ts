/** A store that fails, lies, forgets, or belongs to somebody else. */
import t from 'tap';
import type { OwnerClock } from '../../../src/runtime/owner-clock.js';
import { recordOf } from '../store/record-of.js';
import { FakeClock } from './fake-clock.js';
import { HeldStore } from './held-store.js';
import { COMMIT_TIMEOUT_MS, OwnerBench, STORE_GRACE_MS, turn } from './owner-bench.js';

t.test('a commit that was refused is tried again, and nobody sees it', async (t) => {
  const bench = await OwnerBench.serving();
  await bench.deliver('next', 'current');
  await bench.answer('is refused');
  t.strictSame(bench.waiting, ['load']);
  await bench.answer();
  await bench.answer();
  await bench.answer();
  t.strictSame(bench.heard(), ['serving', [1, 1]]);
  t.equal(bench.store.record?.state, 1);
});

t.test('an in-doubt commit that happened is not counted twice', async (t) => {
  const bench = await OwnerBench.serving();
  await bench.deliver('next', 'next');
  await bench.answer('happens unseen');
  t.equal(bench.store.record?.state, 2);
  t.strictSame(bench.heard(), []);
  bench.store.automatic = 'succeeds';
  await bench.answer();
  t.strictSame(bench.heard(), ['serving', [1, 2]]);
  t.equal(bench.store.record?.state, 2);
});

t.test('an in-doubt commit that did not happen is not lost', async (t) => {
  const bench = await OwnerBench.serving();
  await bench.deliver('next', 'next');
  await bench.answer('fails');
  bench.store.automatic = 'succeeds';
  await bench.answer();
  t.strictSame(bench.heard(), ['serving', [1, 2]]);
  t.equal(bench.store.record?.state, 2);
});

t.test('a commit without an answer is in doubt after its time, and not before', async (t) => {
  const bench = await OwnerBench.serving();
  await bench.deliver('next');
  await bench.advance(COMMIT_TIMEOUT_MS - 1);
  t.strictSame(bench.waiting, ['commit']);
  await bench.advance(1);
  t.strictSame(bench.waiting, ['commit', 'load']);
});

for (const moment of ['before the store is read', 'after it was read', 'after the group was taken again']) {
  t.test(`an in-doubt commit that lands ${moment} is not counted twice`, async (t) => {
    const bench = await OwnerBench.serving();
    await bench.deliver('next', 'next');
    await bench.advance(COMMIT_TIMEOUT_MS);
    if (moment === 'before the store is read') await bench.answer('succeeds', 0);
    await bench.answer('succeeds', bench.waiting.lastIndexOf('load'));
    if (moment === 'after it was read') await bench.answer('succeeds', 0);
    while (bench.waiting.length > 1) await bench.answer('succeeds', bench.waiting.length - 1);
    bench.store.automatic = 'succeeds';
    while (bench.waiting.length > 0) await bench.answer();
    await bench.advance(100);
    t.strictSame(bench.heard(), ['serving', [1, 2]]);
    t.equal(bench.store.record?.state, 2);
    await bench.deliver('next');
    t.strictSame(bench.heard(), [[3]]);
  });
}

t.test('held requests are refused after the grace, those of the commit in doubt as such', async (t) => {
  const bench = await OwnerBench.serving();
  await bench.deliver('next', 'current');
  await bench.deliver('next');
  await bench.answer('fails');
  bench.store.automatic = 'fails';
  await bench.answer('fails');
  await bench.advance(STORE_GRACE_MS - 1);
  t.strictSame(bench.heard(), []);
  await bench.advance(1);
  t.strictSame(bench.heard(), ['away', ['commit-in-doubt', 'commit-in-doubt', 'store-unavailable']]);
  await bench.deliver('next', 'current');
  t.strictSame(bench.heard(), [['store-unavailable', 'store-unavailable']], 'and later ones at once');
});

t.test('a commit that was refused outright leaves nothing in doubt', async (t) => {
  const bench = await OwnerBench.serving();
  await bench.deliver('next');
  bench.store.automatic = 'is refused';
  await bench.answer('is refused');
  await bench.advance(STORE_GRACE_MS);
  t.strictSame(bench.heard(), ['away', ['store-unavailable']]);
});

t.test('service resumes by itself, and refused requests have consumed no number', async (t) => {
  for (const unseen of ['fails', 'happens unseen'] as const) {
    const bench = await OwnerBench.serving();
    await bench.deliver('next');
    await bench.answer(unseen);
    bench.store.automatic = 'fails';
    await bench.answer('fails');
    await bench.advance(60_000);
    bench.heard();
    bench.store.automatic = 'succeeds';
    await bench.advance(400);
    t.strictSame(bench.heard(), ['serving'], `within 400 ms after it ${unseen}`);
    await bench.deliver('current', 'next');
    t.strictSame(bench.heard(), [[0], [1]]);
  }
});

t.test('a store that comes back within the grace is never noticed', async (t) => {
  const bench = await OwnerBench.serving();
  await bench.deliver('next');
  await bench.answer('fails');
  await bench.answer('fails');
  bench.store.automatic = 'succeeds';
  await bench.advance(STORE_GRACE_MS);
  t.strictSame(bench.heard(), ['serving', [1]]);
  await bench.advance(60_000);
  t.strictSame(bench.heard(), []);
});

t.test('a store that came back empty, or with an old record, is written anew', async (t) => {
  for (const record of [undefined, recordOf({ epoch: 1, version: 1, state: 0, writer: 'this process' })]) {
    const bench = await OwnerBench.serving();
    bench.store.automatic = 'succeeds';
    for (let at = 0; at < 5; at++) await bench.deliver('next');
    bench.heard();
    bench.store.record = record;
    await bench.deliver('next');
    await bench.advance(100);
    t.strictSame(bench.heard(), ['serving', [6]]);
    t.match(
      bench.store.record,
      { epoch: 2, state: 6, version: 7 },
      'in the next epoch, and versions still grow',
    );
  }
});

t.test(
  'what somebody has written to a store that had lost our record is older than what was acknowledged',
  async (t) => {
    const bench = await OwnerBench.serving();
    bench.store.automatic = 'succeeds';
    for (let at = 0; at < 5; at++) await bench.deliver('next');
    bench.heard();
    bench.store.record = recordOf({ epoch: 1, version: 2, state: 1, writer: 'another process' });
    await bench.deliver('next');
    await bench.advance(100);
    t.strictSame(bench.heard(), ['serving', [6]]);
    t.match(
      bench.store.record,
      { epoch: 2, state: 6, writer: 'this process' },
      'and its epoch was another reign',
    );
  },
);

t.test(
  'an empty store that others may reach is trusted only after they had time to write it anew',
  async (t) => {
    const bench = new OwnerBench();
    bench.store.leaseMs = 600_000;
    void bench.owner.start();
    await bench.deliver('next');
    await bench.advance(COMMIT_TIMEOUT_MS + 1_000);
    t.strictSame(bench.heard(), [], 'who asks meanwhile waits');
    t.equal(bench.store.commits, 0);
    await bench.advance(1_000);
    t.strictSame(bench.heard(), ['serving', [1]]);

    const second = new OwnerBench();
    second.store.leaseMs = 600_000;
    void second.owner.start();
    await turn();
    await second.advance(1_000);
    second.store.record = recordOf({ epoch: 3, version: 30, state: 12, writer: 'another process' });
    await second.deliver('next');
    await second.advance(1_000);
    t.strictSame(second.heard(), ['serving', [13]]);
  },
);

t.test('the value of a replaced service does not show that the store has lost nothing', async (t) => {
  const bench = new OwnerBench({ freshState: async () => ({ state: 9, origin: 'predecessor' }) });
  bench.store.leaseMs = 600_000;
  void bench.owner.start();
  await turn();
  await bench.advance(COMMIT_TIMEOUT_MS + 1_000);
  t.strictSame(bench.heard(), [], 'an owner that lives has time to write its record anew');
  await bench.advance(1_000);
  t.strictSame(bench.heard(), ['serving']);
});

t.test('a store that another process took over is left alone', async (t) => {
  for (const epoch of [1, 2, 9]) {
    const bench = await OwnerBench.serving();
    const foreign = recordOf({ epoch, version: 50, state: 40, writer: 'another process' });
    bench.store.record = foreign;
    await bench.deliver('next');
    bench.store.automatic = 'succeeds';
    await bench.answer();
    t.match(bench.posts, [{ kind: 'fatal', code: 'store-fenced' }]);
    t.equal(bench.posts.length, 1, 'nothing was answered');
    await bench.deliver('next', 'current');
    await bench.advance(60_000);
    t.equal(bench.posts.length, 1, 'nor is anything later');
    t.strictSame(bench.store.record, foreign);
  }
});

t.test('a successor goes on from what was acknowledged, whatever the store holds', async (t) => {
  const resume = { epoch: 3, version: 20, state: 12 };
  const records = {
    'the last acknowledged': recordOf({ epoch: 3, version: 20, state: 12, writer: 'this process' }),
    'a commit that was never acknowledged': recordOf({
      epoch: 3,
      version: 21,
      state: 15,
      writer: 'this process',
    }),
    'an older one': recordOf({ epoch: 2, version: 9, state: 5, writer: 'another process' }),
    'a take-over of this process that was never confirmed': recordOf({
      epoch: 4,
      version: 22,
      state: 12,
      writer: 'this process',
    }),
    nothing: undefined,
  };
  for (const [name, record] of Object.entries(records)) {
    const bench = new OwnerBench({ resume });
    bench.store.record = record;
    void bench.owner.start();
    await turn();
    t.match(bench.posts, [{ kind: 'serving', origin: 'resumed', acknowledged: { state: 12 } }], name);
    t.equal(bench.store.record?.state, 12, name);
    t.ok((bench.store.record?.epoch ?? 0) > Math.max(3, record?.epoch ?? 0), `${name}: a new epoch`);
    const { version = 0 } = bench.store.record ?? {};
    const undone = record?.state === 15;
    t.equal(
      version,
      undone ? 22 : Math.max(20, record?.version ?? 0),
      `${name}: a new version where it differs`,
    );
  }
});

t.test('a successor that finds the store in other hands stops', async (t) => {
  for (const epoch of [3, 4]) {
    const bench = new OwnerBench({ resume: { epoch: 3, version: 20, state: 12 } });
    bench.store.record = recordOf({ epoch, version: 30, state: 14, writer: 'another process' });
    void bench.owner.start();
    await turn();
    t.match(bench.posts, [{ kind: 'fatal', code: 'store-fenced' }]);
  }
});

t.test('a take-over whose confirmation was lost is simply made again', async (t) => {
  for (const resume of [undefined, { epoch: 1, version: 1, state: 0 }]) {
    const bench = new OwnerBench({ resume });
    bench.store.automatic = undefined;
    if (resume) bench.store.record = recordOf({ ...resume, writer: 'this process' });
    void bench.owner.start();
    await turn();
    await bench.answer();
    await bench.answer('happens unseen');
    bench.store.automatic = 'succeeds';
    await bench.advance(100);
    t.strictSame(
      bench.heard().filter((heard) => heard !== 'away'),
      ['serving'],
    );
  }
});

t.test(
  'a store that cannot be reached at the start is no fresh sequence: asks are refused until it is',
  async (t) => {
    const bench = new OwnerBench();
    bench.store.record = recordOf({ epoch: 1, version: 5, state: 5, writer: 'before' });
    bench.store.automatic = 'fails';
    void bench.owner.start();
    await turn();
    t.strictSame(bench.heard(), ['away']);
    await bench.deliver('current', 'next');
    t.strictSame(bench.heard(), [['store-unavailable', 'store-unavailable']]);
    await bench.advance(60_000);
    t.strictSame(bench.heard(), [], 'and it is said once');
    bench.store.automatic = 'succeeds';
    await bench.advance(400);
    await bench.deliver('next');
    t.strictSame(bench.heard(), ['serving', [6]]);
  },
);

t.test('refusals before the state was restored acknowledge nothing but what a predecessor had', async (t) => {
  for (const resume of [undefined, { epoch: 3, version: 20, state: 12 }]) {
    const bench = new OwnerBench({ resume });
    bench.store.automatic = 'fails';
    void bench.owner.start();
    await turn();
    bench.posts.length = 0;
    await bench.deliver('next');
    // A successor is as patient with the store as its predecessor would have been.
    await bench.advance(2 * STORE_GRACE_MS);
    const replies = bench.posts.filter((post) => post.kind === 'replies');
    t.strictSame(
      replies.map((post) => post.acknowledged),
      [resume],
    );
  }
});

t.test('a record that is beyond repair ends the owner, at the start and later', async (t) => {
  const starting = new OwnerBench();
  starting.store.automatic = 'is corrupt';
  void starting.owner.start();
  await turn();
  t.match(starting.posts, [{ kind: 'fatal', code: 'store-corrupt' }]);
  const serving = await OwnerBench.serving();
  await serving.deliver('next');
  serving.store.automatic = 'is corrupt';
  await serving.answer('fails');
  t.match(serving.posts, [{ kind: 'fatal', code: 'store-corrupt' }]);
});

t.test('a store that refuses until it is mended ends a start', async (t) => {
  const starting = new OwnerBench();
  starting.store.automatic = 'fails';
  void starting.owner.start();
  await turn();
  starting.store.automatic = 'is denied';
  await starting.advance(10);
  t.match(
    starting.posts,
    [{ kind: 'away' }, { kind: 'fatal', code: 'store-denied' }],
    'also one that was away at first',
  );
});

t.test('a store that refuses an owner that has served is waited for, and nothing is lost', async (t) => {
  for (const begin of ['is denied', 'fails'] as const) {
    const bench = await OwnerBench.serving();
    await bench.deliver('next', 'next');
    await bench.answer('succeeds');
    await bench.deliver('next');
    bench.store.automatic = 'is denied';
    await bench.answer(begin);
    await bench.advance(STORE_GRACE_MS);
    await bench.deliver('next');
    const [, away, refused, again] = bench.posts;
    t.match(
      away,
      { kind: 'away', reason: 'denied by the test' },
      'it is told, whatever the absence began with',
    );
    t.same([refused?.kind, again?.kind], ['replies', 'replies']);
    const heard = bench.heard();
    t.strictSame(heard.at(-1), ['store-unavailable']);
    await bench.advance(60_000);
    t.strictSame(bench.heard(), [], 'and once');
    bench.store.automatic = 'succeeds';
    await bench.advance(400);
    await bench.deliver('next');
    t.strictSame(bench.heard(), ['serving', [3]]);
  }
});

t.test('a refusal leaves no doubt, also one that does not pass by itself', async (t) => {
  const bench = await OwnerBench.serving();
  await bench.deliver('next');
  bench.store.automatic = 'is denied';
  await bench.answer('is denied');
  await bench.advance(STORE_GRACE_MS);
  t.strictSame(bench.heard(), ['away', ['store-unavailable']]);
});

t.test('a successor of an owner that had served waits as well', async (t) => {
  const bench = new OwnerBench({ resume: { epoch: 3, version: 20, state: 12 } });
  bench.store.automatic = 'is denied';
  void bench.owner.start();
  await turn();
  await bench.advance(2 * STORE_GRACE_MS);
  t.strictSame(bench.heard(), ['away']);
});

t.test('the reason that is told is what the store failed with last', async (t) => {
  const bench = await OwnerBench.serving();
  await bench.deliver('next');
  bench.store.automatic = 'is refused';
  await bench.answer('fails');
  await bench.advance(STORE_GRACE_MS);
  t.match(bench.posts[0], { kind: 'away', reason: 'refused by the test' });
});

t.test(
  'async: service goes on without the store for the grace, and the store then gets the newest state',
  async (t) => {
    const bench = await OwnerBench.serving({ durability: 'async' });
    await bench.deliver('next');
    bench.store.automatic = 'fails';
    await bench.answer('fails');
    await bench.deliver('next', 'current');
    await bench.advance(STORE_GRACE_MS - 1);
    await bench.deliver('next');
    t.strictSame(bench.heard(), [[1], [2, 2], [3]]);
    await bench.advance(60_000);
    await bench.deliver('next');
    t.strictSame(bench.heard(), ['away', ['store-unavailable']], 'nothing is handed out that may be lost');
    bench.store.automatic = 'succeeds';
    await bench.advance(400);
    t.strictSame(bench.heard(), ['serving']);
    t.equal(bench.store.record?.state, 3);
  },
);

/** An owner that has its lease, whose store no longer answers from here on. */
async function leased(durability: 'gated' | 'async', leaseMs: number): Promise<OwnerBench> {
  const store = new HeldStore();
  store.leaseMs = leaseMs;
  const resume = { epoch: 1, version: 1, state: 5 };
  const bench = new OwnerBench({ store, resume, durability });
  void bench.owner.start();
  await turn();
  store.automatic = 'fails';
  bench.heard();
  return bench;
}

t.test('async: an owner whose store is away answers within its lease, and not after it', async (t) => {
  const bench = await leased('async', 2_000);
  await bench.advance(1_999);
  await bench.deliver('next');
  t.strictSame(bench.heard(), ['away', [6]]);
  await bench.advance(1);
  await bench.deliver('next', 'current');
  t.strictSame(bench.heard(), [['store-unavailable', 'store-unavailable']]);
});

for (const durability of ['gated', 'async'] as const) {
  t.test(
    `${durability}: after a suspension nothing is answered before a commit, whichever clock stood still`,
    async (t) => {
      for (const stands of ['now', 'wall'] as const) {
        const store = new HeldStore();
        store.leaseMs = 3_000;
        const clock = new FakeClock();
        const asleep = { now: 0, wall: 0 };
        const ownerClock: OwnerClock = {
          after: (ms, callback) => clock.after(ms, callback),
          now: () => clock.now() - asleep.now,
          wall: () => clock.wall() - asleep.wall,
        };
        const bench = new OwnerBench({
          store,
          durability,
          clock,
          ownerClock,
          resume: { epoch: 1, version: 1, state: 5 },
        });
        void bench.owner.start();
        await turn();
        bench.heard();
        await bench.deliver('current');
        t.strictSame(bench.heard(), [[5]], 'within its lease it answers from memory');
        store.automatic = undefined;
        clock.advance(0);
        asleep[stands] = 10_000;
        // Time passes for all others: no timer of the owner fires.
        const timers = clock.holdTimers();
        clock.advance(10_000);
        timers.release();
        await bench.deliver('current');
        t.strictSame(bench.heard(), [], stands);
        t.strictSame(
          store.held.map(({ kind }) => kind),
          ['commit'],
        );
        store.record = recordOf({ epoch: 7, version: 9, state: 40, writer: 'another process' });
        store.automatic = 'succeeds';
        store.answer();
        await turn();
        t.strictSame(bench.heard(), ['standby', ['standby']], 'another process had gone on');
      }
    },
  );
}

t.test('stop: a gated owner does not wait for a store that is away', async (t) => {
  const bench = await OwnerBench.serving();
  await bench.deliver('next');
  await bench.deliver('current');
  bench.store.automatic = 'fails';
  await bench.answer('fails');
  bench.owner.stop();
  await turn();
  t.strictSame(bench.heard(), [['commit-in-doubt', 'store-unavailable'], 'stopped']);
});

t.test(
  'stop: a store that goes away during the last commit is waited for until the grace ends',
  async (t) => {
    const bench = await OwnerBench.serving();
    await bench.deliver('next');
    bench.owner.stop();
    bench.store.automatic = 'fails';
    await bench.answer('fails');
    await bench.advance(STORE_GRACE_MS);
    t.strictSame(bench.heard(), ['away', ['commit-in-doubt'], 'stopped']);
    t.ok(bench.store.closed);
  },
);

t.test('stop: an async owner waits for the store, to which it owes a checkpoint', async (t) => {
  const bench = await OwnerBench.serving({ durability: 'async' });
  await bench.deliver('next');
  bench.store.automatic = 'fails';
  await bench.answer('fails');
  bench.owner.stop();
  await bench.advance(60_000);
  t.notOk(bench.store.closed);
  bench.store.automatic = 'succeeds';
  await bench.advance(400);
  t.equal(bench.store.record?.state, 1);
  t.equal(bench.heard().at(-1), 'stopped');
});

t.test(
  'a renewal changes the record for those who watch, and nothing that anybody goes on from',
  async (t) => {
    const bench = new OwnerBench();
    bench.store.leaseMs = 3_000;
    bench.store.record = recordOf({ epoch: 1, version: 1, state: 5, writer: 'this process' });
    const claimed = new OwnerBench({ store: bench.store, resume: { epoch: 1, version: 1, state: 5 } });
    void claimed.owner.start();
    await turn();
    claimed.posts.length = 0;
    await claimed.advance(2_500);
    t.match(bench.store.record, { epoch: 2, version: 1, renewal: 2, state: 5 });
    t.strictSame(claimed.heard(), []);
  },
);

t.test('a look at an empty store before a suspension says nothing of what came to pass in it', async (t) => {
  const bench = new OwnerBench();
  bench.store.leaseMs = 3_000;
  void bench.owner.start();
  await turn();
  bench.store.automatic = undefined;
  await bench.advance(10);
  bench.clock.advance(60_000);
  await turn();
  bench.store.automatic = 'succeeds';
  await bench.advance(1_000);
  t.notOk(bench.heard().includes('serving'), 'it is looked at anew');
  await bench.advance(3_000);
  t.ok(bench.heard().includes('serving'), 'for as long as ever');
});

t.test('an async successor that is told to stop first stores what the dead owner had shown', async (t) => {
  const resume = { epoch: 1, version: 2, state: 20 };
  const bench = new OwnerBench({ durability: 'async', resume });
  bench.store.record = recordOf({ epoch: 1, version: 1, state: 0, writer: 'this process' });
  bench.owner.stop();
  void bench.owner.start();
  await turn();
  t.equal(bench.store.record?.state, 20);
  t.equal(bench.heard().at(-1), 'stopped');
});
