/**
 * Deletes answer records that have expired, some windows at a time, between the groups of commands. Owner thread only.
 *
 * The age of a record is told by the fence: for how long the store was served since. See `answer-records.ts`.
 */
import type { Entry } from '../../store/contract.js';
import { SIZE_ID, WINDOWS } from '../../store/store-ids.js';
import type { OwnerClock } from '../owner-clock.js';
import type { AnswerRecords } from './answer-records.js';
import type { Tenure } from './tenure.js';

export interface ExpiryOptions {
  readonly records: AnswerRecords;
  readonly tenure: Tenure;
  readonly clocks: OwnerClock;
  /** For how long a record is kept at least, in milliseconds. */
  readonly keptMs: number;
  /** The owner can commit. */
  readonly serving: () => boolean;
  /** The next group has something to delete. */
  readonly onFound: () => void;
}

/** Window entries that are deleted by one commit, at the most; fewer, when they name so many records. */
const SLICE_WINDOWS = 8;
const SLICE_RECORDS = 1_000;
/** Between two slices, in milliseconds: commands come first. */
const PAUSE_MS = 10;

export class Expiry {
  readonly #options: ExpiryOptions;
  readonly #lookMs: number;
  #cancel: () => void = () => {};
  #ended = false;

  constructor(options: ExpiryOptions) {
    this.#options = options;
    this.#lookMs = options.records.windowMs / 2;
  }

  /** Looks from now on, again and again. */
  begin(): void {
    this.#later(this.#lookMs);
  }

  end(): void {
    this.#ended = true;
    this.#cancel();
  }

  #later(ms: number): void {
    this.#cancel();
    this.#cancel = this.#options.clocks.after(ms, () => void this.#turn());
  }

  async #turn(): Promise<void> {
    const { serving, onFound } = this.#options;
    // A store that fails here fails the next commit, too.
    const found = serving() && (await this.look().catch(() => false));
    if (found) onFound();
    if (!this.#ended) this.#later(found ? PAUSE_MS : this.#lookMs);
  }

  /**
   * Looks for a slice of records that have expired, for the next group to delete.
   *
   * @returns whether there is one.
   * @throws WarrenError as `Tenure.load`.
   */
  async look(): Promise<boolean> {
    const { records, tenure, keptMs } = this.#options;
    if (records.expiring) return true;
    const { generation } = records;
    const due: Entry[] = [];
    const ids: string[] = [];
    for (const window of await tenure.scan(WINDOWS, SLICE_WINDOWS)) {
      if (endOf(window.id) + keptMs > tenure.servedMs || ids.length >= SLICE_RECORDS) break;
      due.push(window);
      ids.push(...(JSON.parse(window.text) as string[]));
    }
    if (due.length === 0) return false;
    const [size, ...texts] = await tenure.load([SIZE_ID, ...ids], Number.POSITIVE_INFINITY);
    // The memory was emptied meanwhile: another owner may have written since.
    if (generation !== records.generation) return false;
    records.remember(SIZE_ID, size);
    records.expire(due, ids, texts);
    return true;
  }
}

/** When a window ended, in milliseconds of `served`. */
function endOf(id: string): number {
  return Number(id.slice(WINDOWS.length, id.lastIndexOf('/')));
}
