/**
 * The store that ends with its process: for trials and benchmarks. It keeps its records in memory that survives the owner thread, one
 * after the other; what was overwritten is left behind when the memory is full.
 *
 *   memory:  valid end (0 or 1) | end | end | [length of id, length of text or -1, id, text] …
 *
 * A commit becomes visible with its end, all at once. The fence is the record whose id is empty.
 */
import { WarrenError } from '../../errors.js';
import type { ActorStore, Change, CommitOutcome } from '../contract.js';
import { decodeFence, encodeFence, type ShardFence } from '../shard-fence.js';

const FENCE_ID = '';
const HEAD_BYTES = 32;
const RECORD_HEAD = 8;
const FIRST_BYTES = 1 << 20;

/** @param limit bytes that all records may take. */
export function storeMemory(limit: number): SharedArrayBuffer {
  return new SharedArrayBuffer(Math.min(FIRST_BYTES, limit), { maxByteLength: limit });
}

export class MemoryActorStore implements ActorStore {
  readonly shared = false;
  readonly connection = 0;
  readonly #memory: SharedArrayBuffer;
  readonly #active: Int32Array;
  readonly #ends: Float64Array;
  /** By id: where its text begins, and its length. */
  readonly #places = new Map<string, readonly [at: number, length: number]>();
  #end: number;

  constructor(memory: SharedArrayBuffer) {
    this.#memory = memory;
    this.#active = new Int32Array(memory, 0, 1);
    this.#ends = new Float64Array(memory, 8, 2);
    this.#end = this.#ends[Atomics.load(this.#active, 0)] || HEAD_BYTES;
    for (let at = HEAD_BYTES; at < this.#end; ) at = this.#index(at);
  }

  async fence(): Promise<ShardFence | undefined> {
    const text = this.#read(FENCE_ID);
    return text === undefined ? undefined : decodeFence(text);
  }

  async load(ids: readonly string[]): Promise<(string | undefined)[]> {
    return ids.map((id) => this.#read(id));
  }

  async commit(
    expected: ShardFence | undefined,
    next: ShardFence,
    changes: readonly Change[],
  ): Promise<CommitOutcome> {
    if (this.#read(FENCE_ID) !== (expected && encodeFence(expected))) return 'changed';
    const records = [...changes, { id: FENCE_ID, text: encodeFence(next) }];
    let end = this.#end;
    for (const { id, text } of records) end = this.#write(end, id, text);
    const inactive = 1 - Atomics.load(this.#active, 0);
    this.#ends[inactive] = end;
    Atomics.store(this.#active, 0, inactive);
    for (let at = this.#end; at < end; ) at = this.#index(at);
    this.#end = end;
    return 'swapped';
  }

  async close(): Promise<void> {}

  #read(id: string): string | undefined {
    const place = this.#places.get(id);
    return place && Buffer.from(this.#memory, place[0], place[1]).toString();
  }

  #write(at: number, id: string, text: string | undefined): number {
    const idLength = Buffer.byteLength(id);
    const textLength = text === undefined ? 0 : Buffer.byteLength(text);
    const end = at + RECORD_HEAD + idLength + textLength;
    if (end > this.#memory.byteLength) this.#grow(end);
    const bytes = Buffer.from(this.#memory);
    bytes.writeInt32LE(idLength, at);
    bytes.writeInt32LE(text === undefined ? -1 : textLength, at + 4);
    bytes.write(id, at + RECORD_HEAD);
    if (text !== undefined) bytes.write(text, at + RECORD_HEAD + idLength);
    return end;
  }

  #grow(bytes: number): void {
    if (bytes > this.#memory.maxByteLength) {
      throw new WarrenError(
        'store-refused',
        `the memory store is full: it holds ${this.#memory.maxByteLength} bytes`,
      );
    }
    this.#memory.grow(Math.min(this.#memory.maxByteLength, Math.max(bytes, 2 * this.#memory.byteLength)));
  }

  /** @returns where the next record begins. */
  #index(at: number): number {
    const bytes = Buffer.from(this.#memory);
    const idLength = bytes.readInt32LE(at);
    const textLength = bytes.readInt32LE(at + 4);
    const textAt = at + RECORD_HEAD + idLength;
    const id = bytes.toString('utf8', at + RECORD_HEAD, textAt);
    if (textLength < 0) this.#places.delete(id);
    else this.#places.set(id, [textAt, textLength]);
    return textAt + Math.max(0, textLength);
  }
}
