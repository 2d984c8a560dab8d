/** The part of an import that goes into one shard: batch by batch, each a commit under a fence that is halted. */

import { commitText } from '../store/commit-id.js';
import type { ActorStore, Change } from '../store/contract.js';
import type { ShardFence } from '../store/shard-fence.js';
import { shardOf } from '../store/shard-of.js';
import { RECORDS, recordOf, SIZE_ID, WINDOWS } from '../store/store-ids.js';
import { ImportBatch } from './import-batch.js';
import { randomId } from './take-store.js';
import { CommandFailed } from './usage.js';

/** Where a change belongs: a record goes with its actor, and a window with the records that it names, to as many shards as they are in. */
export function byShard({ id, text }: Change, shards: number): [shard: number, change: Change][] {
  if (!id.startsWith(WINDOWS)) return [[shardOf(recordOf(id)?.actor ?? id, shards), { id, text }]];
  const records = new Map<number, string[]>();
  for (const record of JSON.parse(text ?? '[]') as string[]) {
    const shard = shardOf(recordOf(record)?.actor ?? record.slice(RECORDS.length), shards);
    records.set(shard, [...(records.get(shard) ?? []), record]);
  }
  return Array.from(records, ([shard, ids]) => [shard, { id, text: JSON.stringify(ids) }]);
}

export class ShardImport {
  readonly #store: ActorStore;
  #fence: ShardFence | undefined;
  #batch = new ImportBatch();
  #recordBytes = 0;

  constructor(store: ActorStore, stored: ShardFence | undefined) {
    this.#store = store;
    this.#fence = stored;
  }

  async begin(fence: ShardFence): Promise<void> {
    await this.#commit({ ...fence, epoch: Math.max(fence.epoch, (this.#fence?.epoch ?? 0) + 1) }, []);
  }

  async add(change: Change): Promise<void> {
    this.#batch.add(change);
    if (this.#batch.full) await this.flush();
  }

  async flush(): Promise<void> {
    const { changes, growth } = await this.#batch.seal(this.#store);
    this.#recordBytes += growth;
    this.#batch = this.#batch.next();
    await this.#commit({ ...this.#held, renewal: this.#held.renewal + 1 }, changes);
  }

  /** A server may take the shard from now on. @returns the name of the last commit. */
  async finish(version: number): Promise<string> {
    for (const changes of this.#batch.leftovers()) {
      await this.#commit({ ...this.#held, renewal: this.#held.renewal + 1 }, changes);
    }
    const size = { id: SIZE_ID, text: `${this.#recordBytes}` };
    await this.#commit({ ...this.#held, version, group: randomId(), renewal: 0, halted: '' }, [size]);
    return commitText(this.#held);
  }

  get #held(): ShardFence {
    if (!this.#fence) throw new Error('the import has not begun');
    return this.#fence;
  }

  async #commit(next: ShardFence, changes: readonly Change[]): Promise<void> {
    if ((await this.#store.commit(this.#fence, next, changes)) !== 'swapped') {
      throw new CommandFailed('Another process has taken the store. The import was given up.');
    }
    this.#fence = next;
  }
}
