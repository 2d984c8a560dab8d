/** The store of actors in memory: under the contract, and what is its own: the memory survives the thread, and is used again. */
import t from 'tap';
import { MemoryActorStore, storeMemory } from '../../../src/store/memory/memory-actor-store.js';
import type { ShardFence } from '../../../src/store/shard-fence.js';
import { ALL, fenceOf, storeContract } from './store-contract.js';

const MEMORY_BYTES = 1 << 20;

storeContract(t, async () => {
  const memory = storeMemory(MEMORY_BYTES);
  return {
    exclusive: false,
    open: () => new MemoryActorStore(memory),
    damage: async (change) => {
      const bytes = Buffer.from(memory);
      const begin = bytes.indexOf('{"format":"warren/4"');
      const text = bytes.toString('utf8', begin, bytes.indexOf('"}', begin) + 2);
      // The record keeps its length.
      bytes.write(change(text).padEnd(text.length), begin);
    },
  };
});

t.test('what a thread had written of a commit when it died does not count', async (t) => {
  const memory = storeMemory(MEMORY_BYTES);
  const store = new MemoryActorStore(memory);
  await store.commit(undefined, fenceOf(1), [{ id: 'counter/a', text: 'A' }]);
  const before = Buffer.from(Buffer.from(memory));
  await store.commit(fenceOf(1), fenceOf(2), [{ id: 'counter/a', text: 'AA' }]);
  // All of that commit is there but the word that makes it visible.
  Buffer.from(memory).set(before.subarray(0, 4), 0);
  const next = new MemoryActorStore(memory);
  t.strictSame(await next.fence(), fenceOf(1));
  t.strictSame((await next.load(['counter/a'], ALL)).texts, ['A']);
  t.equal(await next.commit(fenceOf(1), fenceOf(2, { group: 'x' }), []), 'swapped');
  t.strictSame((await new MemoryActorStore(memory).load(['counter/a'], ALL)).texts, ['A']);
});

t.test('what was overwritten makes room, for any number of commits and stores', async (t) => {
  const memory = storeMemory(1 << 15);
  let store = new MemoryActorStore(memory);
  let known: ShardFence | undefined;
  for (let version = 1; version <= 2_000; version++) {
    const id = `counter/${version % 7}`;
    const text = version % 5 === 0 ? undefined : `${version} ü`;
    const next = fenceOf(version);
    if ((await store.commit(known, next, [{ id, text }])) !== 'swapped') throw new Error(`${version}`);
    known = next;
    if (version % 97 === 0) store = new MemoryActorStore(memory);
  }
  const ids = [0, 1, 2, 3, 4, 5, 6].map((key) => `counter/${key}`);
  const texts = [1995, 1996, 1997, 1998, 1999, 2000, 1994];
  const expected = texts.map((version) => (version % 5 === 0 ? undefined : `${version} ü`));
  t.strictSame((await store.load(ids, ALL)).texts, expected);
  t.strictSame((await new MemoryActorStore(memory).load(ids, ALL)).texts, expected);
});

t.test('a full memory refuses the commit, and holds what it held', async (t) => {
  const memory = storeMemory(4_096);
  const store = new MemoryActorStore(memory);
  await store.commit(undefined, fenceOf(1), [{ id: 'counter/a', text: 'A' }]);
  const large = [{ id: 'counter/a', text: 'x'.repeat(4_096) }];
  await t.rejects(store.commit(fenceOf(1), fenceOf(2), large), { code: 'store-refused' });
  t.strictSame((await store.load(['counter/a'], ALL)).texts, ['A']);
  t.strictSame(await new MemoryActorStore(memory).fence(), fenceOf(1));
  t.equal(await store.commit(fenceOf(1), fenceOf(2), [{ id: 'counter/a', text: 'B' }]), 'swapped');
});
