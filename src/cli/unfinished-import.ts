/** Recognizes a store whose import was broken off, and empties it. */
import type { ActorStore, Change } from '../store/contract.js';
import type { ShardFence } from '../store/shard-fence.js';
import { SIZE_ID, WINDOWS } from '../store/store-ids.js';
import { CommandFailed } from './usage.js';

/** Why no server takes the store until its import has ended. */
export const UNFINISHED =
  'an import into this store was not finished; run `warren import FILE --again`, which removes what it has left and begins anew, or remove the ' +
  'folder or the keys of the store';

const ENTRIES = 1_000;

export function isUnfinished({ halted }: ShardFence): boolean {
  return halted === UNFINISHED;
}

/** @returns its last fence. */
export async function emptyShard(store: ActorStore, stored: ShardFence): Promise<ShardFence> {
  let fence = stored;
  const remove = async (ids: readonly string[]) => {
    for (let at = 0; at < ids.length; at += ENTRIES) {
      const next = { ...fence, renewal: fence.renewal + 1 };
      const changes = ids.slice(at, at + ENTRIES).map((id): Change => ({ id, text: undefined }));
      if ((await store.commit(fence, next, changes)) !== 'swapped') {
        throw new CommandFailed('Another process has taken the store. Nothing more was done.');
      }
      fence = next;
    }
  };
  // Records before the windows that name them.
  for (const prefix of ['', WINDOWS]) {
    let found: number;
    do {
      found = 0;
      let after: string | undefined;
      do {
        const { entries, next } = await store.scan(prefix, after, ENTRIES);
        for (const { text } of prefix === WINDOWS ? entries : []) await remove(JSON.parse(text));
        await remove(entries.map(({ id }) => id));
        found += entries.length;
        after = next;
      } while (after !== undefined);
    } while (found > 0);
  }
  await remove([SIZE_ID]);
  return fence;
}
