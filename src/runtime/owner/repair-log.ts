/**
 * The changes of the last commits, in memory that survives the owner thread. A shared store that comes back without commits that it
 * had confirmed gets them again from here. Bounded: the oldest commits leave first.
 *
 *   memory:  valid header (0 or 1) | header | header | ring of [length, JSON of one commit]
 *
 * A commit is appended before it is sent, and confirmed when it is known to be stored. A thread that ends in the middle of a
 * call leaves the header of before. Without room for changes the log only knows what was acknowledged: so it is for a store that no other
 * machine holds, which cannot come back older while this process lives.
 */
import type { Change } from '../../store/contract.js';

/** What this process has acknowledged. */
export interface Known {
  /** Id of the store. */
  readonly store: string;
  readonly version: number;
  readonly group: string;
  /** The last one in which this process owned it: a repair must not begin that one anew. */
  readonly epoch: number;
}

interface Header extends Known {
  /** The log holds every change after this version. */
  readonly base: number;
  /** Bytes of the oldest commit begin at `tail`, those of the next one at `head`; both count up without wrapping. */
  readonly tail: number;
  readonly head: number;
  /** Where the last confirmed commit ends. At most one comes after it. */
  readonly confirmed: number;
}

interface Logged {
  readonly version: number;
  readonly group: string;
  readonly changes: readonly (readonly [id: string, text: string | null])[];
}

const HEADER_BYTES = 512;
const HEADERS_AT = 8;
const RING_AT = HEADERS_AT + 2 * HEADER_BYTES;
const LENGTH_BYTES = 4;

/** @param bytes room for changes; 0 for a store that needs no repair. */
export function repairMemory(bytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(RING_AT + bytes);
}

export class RepairLog {
  readonly #active: Int32Array;
  readonly #bytes: Buffer;
  readonly #size: number;
  #header: Header | undefined;

  constructor(memory: SharedArrayBuffer) {
    this.#active = new Int32Array(memory, 0, 1);
    this.#bytes = Buffer.from(memory);
    this.#size = memory.byteLength - RING_AT;
    this.#header = this.#readHeader();
  }

  /** What this process has acknowledged; undefined when it has not owned this store, or another instance has since. */
  get known(): Known | undefined {
    return this.#header;
  }

  /** The store holds `stored`: the last commit that was appended, or what was known already. Otherwise the log begins anew. */
  adopt({ store, version, group, epoch }: Known): void {
    const header = this.#header;
    if (header?.store === store) {
      if (header.version === version && header.group === group) {
        this.#write({ ...header, epoch });
        return;
      }
      const appended = header.confirmed < header.head ? this.#read(header.confirmed).logged : undefined;
      if (appended?.version === version && appended.group === group) {
        this.#header = { ...header, epoch };
        this.confirm(version, group);
        return;
      }
    }
    this.#write({ store, version, group, epoch, base: version, tail: 0, head: 0, confirmed: 0 });
  }

  /** Another instance owns the store: what was acknowledged here is history. */
  clear(): void {
    this.#write(undefined);
  }

  /** A commit that is about to be sent. Commits that were appended and not confirmed are forgotten. */
  append(version: number, group: string, changes: readonly Change[]): void {
    const header = this.#header;
    if (!header || this.#size === 0) return;
    const logged: Logged = { version, group, changes: changes.map(({ id, text }) => [id, text ?? null]) };
    const text = JSON.stringify(logged);
    const length = Buffer.byteLength(text);
    let { tail, base } = header;
    const head = header.confirmed;
    if (LENGTH_BYTES + length > this.#size) {
      // Too large to be kept: what it changes cannot be repaired, nor what comes before it.
      this.#write({ ...header, base: version, tail: head, head, confirmed: head });
      return;
    }
    while (head + LENGTH_BYTES + length - tail > this.#size) {
      const oldest = this.#read(tail);
      base = oldest.logged.version;
      tail = oldest.end;
    }
    // A thread that ends within the next lines must not leave a header that counts on what is being overwritten.
    if (tail !== header.tail) this.#write({ ...header, base, tail, head });
    this.#put(head, text, length);
    this.#write({ ...header, base, tail, head: head + LENGTH_BYTES + length });
  }

  confirm(version: number, group: string): void {
    const header = this.#header;
    if (!header) return;
    const base = this.#size === 0 ? version : header.base;
    this.#write({ ...header, version, group, base, confirmed: header.head });
  }

  /** The last text of each actor that changed after `version`; undefined when the log does not reach back that far. */
  since(version: number): Change[] | undefined {
    const header = this.#header;
    if (!header || version < header.base) return undefined;
    const texts = new Map<string, string | undefined>();
    for (let at = header.tail; at < header.confirmed; ) {
      const { logged, end } = this.#read(at);
      if (logged.version > version) for (const [id, text] of logged.changes) texts.set(id, text ?? undefined);
      at = end;
    }
    return Array.from(texts, ([id, text]) => ({ id, text }));
  }

  #read(at: number): { logged: Logged; end: number } {
    const length = this.#copy(at, LENGTH_BYTES).readUInt32LE();
    const text = this.#copy(at + LENGTH_BYTES, length).toString();
    return { logged: JSON.parse(text), end: at + LENGTH_BYTES + length };
  }

  #put(at: number, text: string, length: number): void {
    const piece = Buffer.allocUnsafe(LENGTH_BYTES + length);
    piece.writeUInt32LE(length);
    piece.write(text, LENGTH_BYTES);
    const from = at % this.#size;
    const first = Math.min(piece.length, this.#size - from);
    piece.copy(this.#bytes, RING_AT + from, 0, first);
    piece.copy(this.#bytes, RING_AT, first);
  }

  #copy(at: number, length: number): Buffer {
    const piece = Buffer.allocUnsafe(length);
    const from = at % this.#size;
    const first = Math.min(length, this.#size - from);
    this.#bytes.copy(piece, 0, RING_AT + from, RING_AT + from + first);
    this.#bytes.copy(piece, first, RING_AT, RING_AT + length - first);
    return piece;
  }

  #readHeader(): Header | undefined {
    const at = HEADERS_AT + Atomics.load(this.#active, 0) * HEADER_BYTES;
    const end = this.#bytes.indexOf(0, at);
    return end === at ? undefined : JSON.parse(this.#bytes.toString('utf8', at, end));
  }

  #write(header: Header | undefined): void {
    const next = 1 - Atomics.load(this.#active, 0);
    const at = HEADERS_AT + next * HEADER_BYTES;
    const length = header ? this.#bytes.write(JSON.stringify(header), at) : 0;
    this.#bytes[at + length] = 0;
    Atomics.store(this.#active, 0, next);
    this.#header = header;
  }
}
