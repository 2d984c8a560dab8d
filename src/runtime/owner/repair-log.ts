/**
 * The repair log keeps the changes of the last commits in memory that survives the owner thread. When a shared store has lost commits that it
 * had confirmed, they are written again from here. The log is bounded: the oldest commits are removed first.
 *
 *   memory:  valid header (0 or 1) | header | header | ring of [length, JSON of one commit]
 *
 * A commit is appended before it is sent, and confirmed when it is known to be stored. When the thread ends in the middle of a call, the old
 * header stays valid. A log without room for changes only keeps which version was acknowledged. That is enough for a store on this machine,
 * which cannot lose commits while this process lives.
 */
import type { Change } from '../../store/contract.js';

/** What this process has acknowledged. */
export interface Known {
  /** Id of the store. */
  readonly store: string;
  readonly version: number;
  readonly group: string;
  /** The last epoch in which this process owned the store. A repair must use a higher one. */
  readonly epoch: number;
}

interface Header extends Known {
  /** The log holds every change after this version. */
  readonly base: number;
  /** Start of the oldest commit in the ring; counts up without wrapping. */
  readonly tail: number;
  /** End of the newest commit in the ring; counts up without wrapping. */
  readonly head: number;
  /** End of the last confirmed commit. At most one commit follows it. */
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

  /** What this process has acknowledged; undefined when it has not owned this store, or another instance has owned it since. */
  get known(): Known | undefined {
    return this.#header;
  }

  /** Takes over what the store holds. The log stays if that is the known version or the last appended commit; otherwise it starts empty. */
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

  /** Forgets everything, when another instance owns the store. */
  clear(): void {
    this.#write(undefined);
  }

  /** Adds a commit that is about to be sent. It replaces an appended commit that was not confirmed. */
  append(version: number, group: string, changes: readonly Change[]): void {
    const header = this.#header;
    if (!header || this.#size === 0) return;
    const logged: Logged = { version, group, changes: changes.map(({ id, text }) => [id, text ?? null]) };
    const text = JSON.stringify(logged);
    const length = Buffer.byteLength(text);
    let { tail, base } = header;
    const head = header.confirmed;
    if (LENGTH_BYTES + length > this.#size) {
      // Too large for the log: neither this commit nor the ones before it can be repaired.
      this.#write({ ...header, base: version, tail: head, head, confirmed: head });
      return;
    }
    while (head + LENGTH_BYTES + length - tail > this.#size) {
      const oldest = this.#read(tail);
      base = oldest.logged.version;
      tail = oldest.end;
    }
    // First a header without the commits that are overwritten next: the thread may end at any line.
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

  /** The newest text of each id that has changed after `version`; undefined when the log does not reach back that far. */
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
