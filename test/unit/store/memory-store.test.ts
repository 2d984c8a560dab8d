/** The memory store under the contract; nothing but its own handle can reach its record. */
import t from 'tap';
import { MemoryStore } from '../../../src/store/memory-store.js';
import { ACTOR, storeContract } from './store-contract.js';

storeContract(t, async () => ({ open: () => new MemoryStore(ACTOR), persistent: false }));

t.test('there is no predecessor in memory', async (t) => {
  t.equal(await new MemoryStore(ACTOR).predecessor(), undefined);
});
