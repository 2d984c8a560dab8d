/**
 * Answers questions of operators about the stored actors: a summary, a listing, one state, or an export of everything. Runs on the owner thread,
 * which has the store open; the command line uses it too, when no server runs.
 *
 * It reads in slices, and lets the event loop run between them, so requests wait for one slice at the most. It keeps nothing in memory:
 * an export is made part by part, when its reader asks for the next part.
 */
import { setImmediate } from 'node:timers/promises';
import { messageOf } from '../../errors.js';
import type { Readable } from '../../store/all-shards.js';
import type { Entry, Part } from '../../store/contract.js';
import { endLine, entryLine, headerLine, splitId } from './export-line.js';
import { readStored } from './stored-text.js';

export interface ActorCount {
  readonly actor: string;
  readonly count: number;
  /** Size of the stored texts, in UTF-16 units. */
  readonly bytes: number;
}

export interface Summary {
  readonly actors: readonly ActorCount[];
  /** How long ago the counting began, in milliseconds. */
  readonly ageMs: number;
}

/** An actor in a listing. Version and commit are missing when its stored state cannot be read. */
export interface Listed {
  readonly key: string;
  readonly bytes: number;
  readonly version?: number;
  readonly commit?: string;
}

export interface Listing {
  readonly actors: readonly Listed[];
  /** The value of `after` for the next part; undefined at the end. */
  readonly next: string | undefined;
}

export interface StoredState extends Listed {
  readonly actor: string;
  /** JSON, with tagged bigints. */
  readonly state?: string;
  /** Why there is none. */
  readonly unreadable?: string;
}

export type StoreQuestion =
  | { readonly kind: 'summary' }
  | {
      readonly kind: 'list';
      readonly actor: string;
      readonly prefix: string;
      readonly after: string | undefined;
      readonly limit: number;
    }
  | { readonly kind: 'state'; readonly actor: string; readonly key: string }
  | { readonly kind: 'begin-export' }
  | { readonly kind: 'next-part'; readonly stream: number }
  | { readonly kind: 'end-export'; readonly stream: number };

/** A summary is used again for this many times as long as it took to make, so that frequent questions cost little. */
const SUMMARY_REST = 20;
const SUMMARY_REST_MS = 2_000;
/** How many entries are read at a time. */
const SLICE = 500;
/** The most slices that one question reads. A listing with a rare prefix goes on with the next question. */
const SLICES = 20;
const OPEN_EXPORTS = 4;

export class StoreReader {
  readonly #store: Readable;
  readonly #exports = new Map<number, AsyncGenerator<string>>();
  #streams = Math.floor(Math.random() * 2 ** 40);
  #summary: Promise<Summary> | undefined;
  #summaryUntil = 0;
  #summaryAt = 0;

  constructor(store: Readable) {
    this.#store = store;
  }

  /** @returns a value that can be cloned. @throws WarrenError as the store, Error for a question that cannot be answered. */
  answer(question: StoreQuestion): Promise<unknown> {
    switch (question.kind) {
      case 'summary':
        return this.summary();
      case 'list':
        return this.list(question);
      case 'state':
        return this.state(question.actor, question.key);
      case 'begin-export':
        return this.#beginExport();
      case 'next-part':
        return this.#nextPart(question.stream);
      case 'end-export':
        return this.#endExport(question.stream);
      default:
        throw new Error(`unknown question: ${JSON.stringify(question satisfies never)}`);
    }
  }

  async summary(): Promise<Summary> {
    if (!this.#summary || performance.now() > this.#summaryUntil) {
      this.#summaryUntil = Number.POSITIVE_INFINITY;
      this.#summaryAt = performance.now();
      this.#summary = this.#count();
      this.#summary.then(
        () => {
          const now = performance.now();
          this.#summaryUntil = now + Math.max(SUMMARY_REST_MS, SUMMARY_REST * (now - this.#summaryAt));
        },
        () => {
          this.#summary = undefined;
        },
      );
    }
    const { actors } = await this.#summary;
    return { actors, ageMs: Math.round(performance.now() - this.#summaryAt) };
  }

  async list({
    actor,
    prefix,
    after,
    limit,
  }: Omit<StoreQuestion & { kind: 'list' }, 'kind'>): Promise<Listing> {
    const actors: Listed[] = [];
    let next = after;
    for (let slice = 0; slice < SLICES && actors.length < limit; slice++) {
      const part = await this.#store.scan(`${actor}/${prefix}`, next, Math.min(SLICE, limit - actors.length));
      actors.push(...part.entries.map(listed));
      next = part.next;
      if (next === undefined) break;
      await setImmediate();
    }
    return { actors, next };
  }

  /** Undefined when it has no state. */
  async state(actor: string, key: string): Promise<StoredState | undefined> {
    const { texts } = await this.#store.load([`${actor}/${key}`], Number.POSITIVE_INFINITY);
    const [text] = texts;
    if (text === undefined) return undefined;
    const about = { actor, ...listed({ id: `${actor}/${key}`, text }) };
    try {
      return { ...about, state: readStored(text).body };
    } catch (error) {
      return { ...about, unreadable: messageOf(error) };
    }
  }

  /** The text of an export, in pieces of some tens of kilobytes. */
  async *export(): AsyncGenerator<string> {
    let lines = 0;
    let part: Part | undefined;
    for await (const next of this.#store.image()) {
      if (!part) {
        if (!next.fence) throw new Error('nothing was stored yet');
        yield headerLine(next.fence);
      }
      part = next;
      let text = '';
      for (const entry of next.entries) text += entryLine(entry);
      lines += next.entries.length;
      if (text !== '') yield text;
    }
    yield endLine(lines);
  }

  async #count(): Promise<Summary> {
    const counts = new Map<string, { count: number; bytes: number }>();
    let after: string | undefined;
    do {
      const { entries, next } = await this.#store.scan('', after, SLICE);
      for (const { id, text } of entries) {
        const { actor } = splitId(id);
        const counted = counts.get(actor) ?? { count: 0, bytes: 0 };
        counted.count += 1;
        counted.bytes += text.length;
        counts.set(actor, counted);
      }
      after = next;
      await setImmediate();
    } while (after !== undefined);
    const actors = Array.from(counts, ([actor, counted]) => ({ actor, ...counted }));
    return { actors: actors.sort((a, b) => (a.actor < b.actor ? -1 : 1)), ageMs: 0 };
  }

  async #beginExport(): Promise<number> {
    if (this.#exports.size >= OPEN_EXPORTS) throw new Error(`${OPEN_EXPORTS} exports are under way`);
    this.#streams += 1;
    this.#exports.set(this.#streams, this.export());
    return this.#streams;
  }

  /** Undefined at the end. */
  async #nextPart(stream: number): Promise<Uint8Array | undefined> {
    const parts = this.#exports.get(stream);
    if (!parts) throw new Error('the export was broken off: its owner thread has ended');
    const { done, value } = await parts.next();
    return done ? undefined : Buffer.from(value);
  }

  async #endExport(stream: number): Promise<void> {
    const parts = this.#exports.get(stream);
    this.#exports.delete(stream);
    await parts?.return(undefined);
  }
}

function listed({ id, text }: Entry): Listed {
  const about = { key: splitId(id).key, bytes: text.length };
  try {
    const { version, commit } = readStored(text);
    return { ...about, version, commit };
  } catch {
    return about;
  }
}
