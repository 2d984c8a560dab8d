/**
 * The pages that are alive, and the chain by which new ones come: each page continues the one before it, ahead of the owner, so
 * that a reply finds its term rendered. Main thread only.
 *
 *        dropped      needed          ahead
 *   ───────────────┬─────────┬──────────────────┬─ ─ ─
 *                  │ page  x │ page    page     │ rendering
 *   ───────────────┴─────────┴──────────────────┴─ ─ ─
 *                          position
 *
 * A page is given back when all its terms lie before the position and no reply reads from it.
 */
import type { DigitSpan } from '../sequence/decimal-kernel.js';
import { TERM_MARGIN } from '../sequence/decimal-kernel.js';
import { digitsUpTo } from '../sequence/fibonacci.js';
import type { FormatPool } from './format-pool.js';
import { Page } from './page.js';
import type { PageMemory } from './page-memory.js';
import { MIN_TERMS } from './render.js';

/** Pages kept rendered beyond the one with the position, whatever it takes. */
const PAGES_AHEAD = 2;
/** More of them, as long as enough of the memory is free for readers: terms, or so many times the largest step of late. */
const TERMS_AHEAD = 128;
const STEPS_AHEAD = 4;
const FREE_FOR_READERS = 1 / 4;
/** Pages that a format thread renders without being asked again: it shall have work while the main thread sends. */
const PAGES_PER_TASK = 16;
/** What a step still counts for after the next one. */
const STEP_DECAY = 0.995;
/** Large enough that a page costs little per term, small enough that a few pages stay in a processor's cache. */
const PAGE_BYTES = 1024 * 1024;
/** Terms beyond this many are not rendered by one task, when they are so large that their size counts. */
const LOOK_AHEAD = 2048;
const MAX_FAILURES = 3;
/** From this index on a start takes about a second or more. */
const SLOW_JUMP_INDEX = 2_000_000;
/** Further ahead than this many terms or pages, a new start is quicker than the way there. */
const LEAP_TERMS = 512;
const LEAP_PAGES = 8;
/** How often a lack of memory is looked at, and how long a reader may stand still then, in milliseconds. */
const SHORTAGE_TICK_MS = 50;
const SHORTAGE_PATIENCE_MS = 250;

/** Somebody who reads from a page over more than one event-loop turn. */
export interface Reader {
  /** When it last got bytes out, by `performance.now()`. */
  readonly progressAt: number;
  /** Must release the page at once. */
  cut(): void;
}

export interface PagesOptions {
  readonly memory: PageMemory;
  readonly pool: FormatPool;
  /** Rendering failed repeatedly; nothing can be answered any more. */
  readonly onFailure: (error: unknown) => void;
  /** A start at some index, which takes a while when it is large; `tookMs` is undefined at its beginning. */
  readonly onJump: (index: number, tookMs: number | undefined) => void;
  /** Bound on a request's time, from when it came in until its page is there, in milliseconds. */
  readonly waitTimeoutMs: number;
}

/** What a format thread is at. */
interface Work {
  readonly chain: number;
  readonly regions: DigitSpan[];
  /** Index of the first term of the first region. */
  next: number;
  /** So many of the regions have become pages. */
  done: number;
}

interface Wait {
  readonly index: number;
  readonly ready: (page: Page | undefined) => void;
  readonly since: number;
}

export class Pages {
  readonly #options: PagesOptions;
  readonly #words: Uint32Array;
  /** Alive and needed, in order of their terms. */
  readonly #live: Page[] = [];
  readonly #readers = new Map<Page, Set<Reader>>();
  /** No longer needed, but still read from. */
  readonly #retired = new Set<Page>();
  #waiting: Wait[] = [];
  readonly #expiry: NodeJS.Timeout;
  #position = 0;
  /** The largest number of terms that the position has passed at once, of late. */
  #step = 0;
  /** Counts the new starts: a page that was under way before one is of no use after it. */
  #chain = 0;
  #work: Work | undefined;
  /** Shared with the format threads; see `RenderTask`. */
  readonly #counts = new Int32Array(new SharedArrayBuffer(PAGES_PER_TASK * Int32Array.BYTES_PER_ELEMENT));
  #closed = false;
  #failures = 0;
  #shortage: NodeJS.Timeout | undefined;

  constructor(options: PagesOptions) {
    this.#options = options;
    this.#expiry = setInterval(() => this.#expireWaiting(), Math.min(100, options.waitTimeoutMs / 4));
    this.#expiry.unref();
    this.#words = new Uint32Array(options.memory.memory.buffer);
  }

  /** The page with this term, if it is rendered. */
  find(index: number): Page | undefined {
    const page = this.#liveWith(index);
    if (page || !this.#work) return page;
    this.#collect();
    return this.#liveWith(index);
  }

  #liveWith(index: number): Page | undefined {
    for (const page of this.#live) if (page.has(index)) return page;
    return undefined;
  }

  /**
   * Calls back when the term is rendered, or with undefined when that takes too long. `index` is not before the
   * position, less one.
   *
   * @param since when the request came in: what it has waited for the owner is part of its time.
   */
  wait(index: number, since: number, ready: Wait['ready']): void {
    this.#waiting.push({ index, ready, since });
  }

  /** Replies that wait for their page. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** The first digits are being computed, and that takes longer than anybody should wait for an answer. */
  get farOff(): boolean {
    return this.#live.length === 0 && this.#position >= SLOW_JUMP_INDEX;
  }

  /** The first page is there: from now on what is asked for is at hand, or one page away. */
  get started(): boolean {
    return this.#live.length > 0;
  }

  /** Terms before `position` - 1 will not be asked for again; terms from there on soon will. */
  moveTo(position: number): void {
    this.#step = this.started ? Math.max(position - this.#position, this.#step * STEP_DECAY) : 0;
    this.#position = position;
    this.#collect();
    this.#leap();
    this.#dropPassed();
    this.#renderAhead();
  }

  /** Keeps the page until `release`. */
  hold(page: Page, reader: Reader): void {
    const readers = this.#readers.get(page);
    if (readers) readers.add(reader);
    else this.#readers.set(page, new Set([reader]));
  }

  release(page: Page, reader: Reader): void {
    const readers = this.#readers.get(page);
    readers?.delete(reader);
    if (readers?.size !== 0) return;
    this.#readers.delete(page);
    if (!this.#retired.delete(page)) return;
    this.#options.memory.giveBack(page.region);
    this.#renderAhead();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#shortage);
    clearInterval(this.#expiry);
  }

  /**
   * After another instance has reigned the position may be anywhere: pages far from it are no way to get there. Not while
   * somebody waits for a term on the way.
   */
  #leap(): void {
    if (!this.started || this.#reaches(Math.max(0, this.#position - 1))) return;
    if (this.#waiting.some(({ index }) => this.#reaches(index))) return;
    for (const page of this.#live.splice(0)) this.#retire(page);
    this.#chain += 1;
    // The way there was no step.
    this.#step = 0;
  }

  /** Whether the way to a term along the present chain is shorter than a new start. */
  #reaches(index: number): boolean {
    const oldest = this.#live[0];
    const last = this.#live.at(-1);
    if (!oldest || !last) return false;
    return index >= oldest.first && index < last.end + Math.max(LEAP_TERMS, LEAP_PAGES * last.count);
  }

  #dropPassed(): void {
    // The last page stays: the next one continues it.
    while (this.#live.length > 1 && (this.#live[0] as Page).end < this.#position) {
      this.#retire(this.#live.shift() as Page);
    }
  }

  #retire(page: Page): void {
    if (this.#readers.has(page)) this.#retired.add(page);
    else this.#options.memory.giveBack(page.region);
  }

  #renderAhead(): void {
    if (this.#work || this.#closed) return;
    const { memory } = this.#options;
    const last = this.#live.at(-1);
    const first = last ? last.end : this.#firstNeeded();
    const termBytes = digitsUpTo(first + LOOK_AHEAD) + TERM_MARGIN + 4;
    const bytes = Math.max(MIN_TERMS * termBytes + 64, Math.min(PAGE_BYTES, memory.bytes / 16));
    const urgent =
      this.#live.filter((page) => page.first > this.#position).length < PAGES_AHEAD ||
      this.#waiting.some(({ index }) => index >= first && this.#reaches(index));
    const regions: DigitSpan[] = [];
    const wanted = this.#position + Math.max(TERMS_AHEAD, STEPS_AHEAD * this.#step);
    const roomy = () => memory.used + bytes <= memory.bytes * (1 - FREE_FOR_READERS);
    for (
      let end = first;
      regions.length < (last ? PAGES_PER_TASK : 1);
      end += Math.floor(bytes / termBytes)
    ) {
      if (!(urgent && regions.length === 0) && !(end < wanted && roomy())) break;
      const region = memory.take(bytes);
      if (!region) break;
      regions.push(region);
    }
    if (regions.length > 0) void this.#render(last, first, regions);
    else if (memory.used === 0) this.#fail(new RangeError(`no room for terms of index ${first}`));
    else if (urgent) this.#freeMemory();
  }

  /** Where a new chain starts: nobody who waits may be left behind it. */
  #firstNeeded(): number {
    const lowest = this.#waiting.reduce((low, { index }) => Math.min(low, index), this.#position - 1);
    return Math.max(0, lowest);
  }

  #fail(error: unknown): void {
    this.#closed = true;
    this.#options.onFailure(error);
  }

  async #render(last: Page | undefined, first: number, regions: DigitSpan[]): Promise<void> {
    const { pool, onJump } = this.#options;
    const from = last ? ([last.digits(last.end - 2), last.digits(last.end - 1)] as const) : first;
    const work: Work = { chain: this.#chain, regions, next: first, done: 0 };
    const since = performance.now();
    if (!last) onJump(first, undefined);
    this.#counts.fill(0);
    this.#work = work;
    let failure: unknown;
    try {
      await pool.render({ from, regions, counts: this.#counts });
      this.#failures = 0;
      if (!last) onJump(first, performance.now() - since);
    } catch (error) {
      failure = error;
      this.#failures += 1;
    }
    this.#collect();
    this.#work = undefined;
    if (this.#closed) return;
    for (const region of regions.slice(work.done)) this.#options.memory.giveBack(region);
    if (this.#failures >= MAX_FAILURES) {
      this.#fail(failure);
      return;
    }
    this.#dropPassed();
    this.#renderAhead();
  }

  /** Takes over what a format thread has finished by now. Who waits for it comes first: the position may pass it at once. */
  #collect(): void {
    const work = this.#work;
    if (!work || work.chain !== this.#chain) return;
    const before = work.done;
    for (const region of work.regions.slice(before)) {
      const count = Atomics.load(this.#counts, work.done);
      if (count === 0) break;
      this.#live.push(new Page(work.next, count, region, this.#words));
      work.next += count;
      work.done += 1;
    }
    if (work.done > before) this.#callWaiting();
  }

  #callWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wait of waiting) {
      const page = this.#liveWith(wait.index);
      if (page) wait.ready(page);
      else this.#waiting.push(wait);
    }
  }

  #expireWaiting(): void {
    const before = performance.now() - this.#options.waitTimeoutMs;
    const expired = this.#waiting.filter((wait) => wait.since <= before);
    if (expired.length === 0) return;
    this.#waiting = this.#waiting.filter((wait) => wait.since > before);
    for (const wait of expired) wait.ready(undefined);
  }

  /** Readers that stand still hold memory that everybody else waits for: they are cut, after a little patience. */
  #freeMemory(): void {
    this.#shortage ??= setTimeout(() => {
      this.#shortage = undefined;
      const since = performance.now() - SHORTAGE_PATIENCE_MS;
      for (const page of [...this.#retired]) {
        for (const reader of [...(this.#readers.get(page) ?? [])]) {
          if (reader.progressAt < since) reader.cut();
        }
      }
      this.#renderAhead();
    }, SHORTAGE_TICK_MS);
  }
}
