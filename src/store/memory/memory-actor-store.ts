/**
 * The memory store, for trials and benchmarks: it ends with its process. It appends its entries to shared memory, which survives the owner
 * thread. The memory has two halves: when one half has many outdated entries, the current ones are copied to the other half.
 *
 *   memory:  valid place (0 or 1) | begin, end | begin, end | first half | second half
 *   half:    [length of id, length of text or -1, id, text] …
 *
 * A commit writes its entries and the bounds, and then switches the valid place, so it becomes visible at once. The fence is the entry with an
 * empty id.
 */
import { WarrenError } from '../../errors.js';
import type { ActorStore, Change, CommitOutcome, Entry, Loaded, Part, Scanned } from '../contract.js';
import { decodeFence, encodeFence, type ShardFence } from '../shard-fence.js';
import { isState, recordOf, WINDOWS } from '../store-ids.js';

const FENCE_ID = '';
const HEAD_BYTES = 64;
const RECORD_HEAD = 8;
const FIRST_BYTES = 1 << 20;
/** About the number of entries in a part of an image. */
const PART_ENTRIES = 250;

/** @param limit size of the memory, in bytes. The current entries may take half of it. */
export function storeMemory(limit: number): SharedArrayBuffer {
  return new SharedArrayBuffer(Math.min(FIRST_BYTES, limit), { maxByteLength: limit });
}

export class MemoryActorStore implements ActorStore {
  readonly shared = false;
  readonly awaitsReplicas = false;
  readonly connection = 0;
  readonly #memory: SharedArrayBuffer;
  readonly #half: number;
  readonly #active: Int32Array;
  /** Begin and end of the entries, for each of the two places. */
  readonly #bounds: Float64Array;
  /** Id -> offset and length of its text. */
  readonly #places = new Map<string, readonly [at: number, length: number]>();
  /** Id of an actor's state -> ids of its answer records. */
  readonly #records = new Map<string, Set<string>>();
  #begin = 0;
  #end = 0;
  /** When the entries take more bytes than this, the current ones move to the other half. */
  #room = 0;
  #isOpen = false;

  constructor(memory: SharedArrayBuffer) {
    this.#memory = memory;
    this.#half = Math.floor((memory.maxByteLength - HEAD_BYTES) / 2);
    this.#active = new Int32Array(memory, 0, 1);
    this.#bounds = new Float64Array(memory, 8, 4);
  }

  /** Reads the memory at the first use, not before: a spare owner thread makes this object while another thread writes. */
  #open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    const place = 2 * Atomics.load(this.#active, 0);
    this.#begin = this.#bounds[place] || HEAD_BYTES;
    this.#end = this.#bounds[place + 1] || HEAD_BYTES;
    for (let at = this.#begin; at < this.#end; ) at = this.#index(at);
    this.#room = this.#roomFor(this.#end - this.#begin);
  }

  async fence(): Promise<ShardFence | undefined> {
    this.#open();
    const text = this.#read(FENCE_ID);
    return text === undefined ? undefined : decodeFence(text);
  }

  async load(ids: readonly string[], limitBytes: number): Promise<Loaded> {
    this.#open();
    const texts: (string | undefined)[] = [];
    for (let bytes = 0; texts.length < ids.length && bytes < limitBytes; ) {
      const text = this.#read(ids[texts.length] as string);
      texts.push(text);
      bytes += text?.length ?? 0;
    }
    return { fence: await this.fence(), texts };
  }

  async scan(prefix: string, after: string | undefined, limit: number): Promise<Scanned> {
    this.#open();
    const ids = smallest(this.#idsFrom(prefix, after), limit);
    return {
      entries: this.#entries(ids),
      next: ids.length < limit ? undefined : ids.at(-1),
    };
  }

  /** Each actor is read as of its own moment. One moment for all would delay the owner. */
  async *image(): AsyncGenerator<Part> {
    const fence = await this.fence();
    const windows = () => [...this.#idsFrom(WINDOWS, undefined)];
    const actors = new Set([...this.#records.keys(), ...this.#idsFrom('', undefined)]);
    let ids: string[] = windows();
    for (const actor of actors) {
      if (ids.length >= PART_ENTRIES) {
        yield { fence, entries: this.#entries(ids) };
        ids = [];
      }
      ids.push(actor, ...(this.#records.get(actor) ?? []));
    }
    // The windows again: they name the records that were written meanwhile.
    yield { fence, entries: this.#entries([...ids, ...windows()]) };
  }

  async commit(
    expected: ShardFence | undefined,
    next: ShardFence,
    changes: readonly Change[],
  ): Promise<CommitOutcome> {
    this.#open();
    if (this.#read(FENCE_ID) !== (expected && encodeFence(expected))) return 'changed';
    const written = [...changes, { id: FENCE_ID, text: encodeFence(next) }];
    const moves = this.#end + sizeOf(written) > this.#begin + this.#room;
    if (moves) this.#move([...this.#current(), ...written]);
    else this.#append(this.#begin, this.#end, written);
    return 'swapped';
  }

  async predecessor(): Promise<undefined> {
    return undefined;
  }

  async close(): Promise<void> {}

  #read(id: string): string | undefined {
    const place = this.#places.get(id);
    return place && Buffer.from(this.#memory, place[0], place[1]).toString();
  }

  #entries(ids: readonly string[]): Entry[] {
    return ids.flatMap((id) => {
      const text = this.#read(id);
      return text === undefined ? [] : [{ id, text }];
    });
  }

  *#idsFrom(prefix: string, after = ''): Iterable<string> {
    for (const id of this.#places.keys()) {
      if (id > after && id.startsWith(prefix) && (prefix !== '' || isState(id))) yield id;
    }
  }

  *#current(): Iterable<Change> {
    for (const id of this.#places.keys()) yield { id, text: this.#read(id) };
  }

  /** Writes the current entries to the other half. */
  #move(records: readonly Change[]): void {
    const size = sizeOf(records);
    if (size > this.#half) {
      throw new WarrenError('store-refused', `the memory store is full: it holds ${this.#half} bytes`);
    }
    const begin = this.#begin === HEAD_BYTES ? HEAD_BYTES + this.#half : HEAD_BYTES;
    this.#append(begin, begin, records);
    this.#room = this.#roomFor(size);
  }

  #append(begin: number, from: number, records: readonly Change[]): void {
    let end = from;
    for (const record of records) end = this.#write(end, record);
    const inactive = 1 - Atomics.load(this.#active, 0);
    this.#bounds[2 * inactive] = begin;
    this.#bounds[2 * inactive + 1] = end;
    Atomics.store(this.#active, 0, inactive);
    if (begin === from) {
      this.#places.clear();
      this.#records.clear();
    }
    for (let at = from; at < end; ) at = this.#index(at);
    this.#begin = begin;
    this.#end = end;
  }

  #roomFor(size: number): number {
    return Math.min(this.#half, Math.max(FIRST_BYTES, 4 * size));
  }

  #write(at: number, { id, text }: Change): number {
    const idLength = Buffer.byteLength(id);
    const textLength = text === undefined ? 0 : Buffer.byteLength(text);
    const end = at + RECORD_HEAD + idLength + textLength;
    if (end > this.#memory.byteLength) {
      this.#memory.grow(Math.min(this.#memory.maxByteLength, Math.max(end, 2 * this.#memory.byteLength)));
    }
    const bytes = Buffer.from(this.#memory);
    bytes.writeInt32LE(idLength, at);
    bytes.writeInt32LE(text === undefined ? -1 : textLength, at + 4);
    bytes.write(id, at + RECORD_HEAD);
    if (text !== undefined) bytes.write(text, at + RECORD_HEAD + idLength);
    return end;
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
    const record = recordOf(id);
    if (record) this.#indexRecord(record.actor, id, textLength >= 0);
    return textAt + Math.max(0, textLength);
  }

  #indexRecord(actor: string, id: string, isThere: boolean): void {
    const own = this.#records.get(actor) ?? new Set();
    if (isThere) own.add(id);
    else own.delete(id);
    if (own.size > 0) this.#records.set(actor, own);
    else this.#records.delete(actor);
  }
}

/** The first `count` ids in order, found without sorting all of them. */
function smallest(ids: Iterable<string>, count: number): string[] {
  const found: string[] = [];
  for (const id of ids) {
    if (found.length === count && id > (found.at(-1) as string)) continue;
    let at = found.length;
    while (at > 0 && (found[at - 1] as string) > id) at -= 1;
    found.splice(at, 0, id);
    if (found.length > count) found.pop();
  }
  return found;
}

function sizeOf(records: readonly Change[]): number {
  let size = 0;
  for (const { id, text } of records) {
    size += RECORD_HEAD + Buffer.byteLength(id) + (text === undefined ? 0 : Buffer.byteLength(text));
  }
  return size;
}
