/**
 * Deletes expired answer records (`answer-records.ts`), some windows at a time, as part of the groups of commands. Owner thread only.
 *
 * The age of a record is the time for which the store was served since it was written: the difference of `served` in the fence.
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
  /** The shortest time for which a record is kept, in milliseconds. */
  readonly keptMs: number;
  /** Whether the owner can commit. */
  readonly serving: () => boolean;
  /** Called when the next group has something to delete. */
  readonly onFound: () => void;
}

/** The most windows that one commit deletes; fewer, when they name `SLICE_RECORDS` records. */
const SLICE_WINDOWS = 8;
const SLICE_RECORDS = 1_000;
/** Pause between two slices: commands come first. */
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

  /** Starts looking for expired records from time to time. */
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
    // The error is ignored: the next commit meets the same store, and handles it.
    const found = serving() && (await this.look().catch(() => false));
    if (found) onFound();
    if (!this.#ended) this.#later(found ? PAUSE_MS : this.#lookMs);
  }

  /**
   * Finds a slice of expired records, for the next group to delete.
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

/** When a window ends, on the clock of `served`, in milliseconds. */
function endOf(id: string): number {
  return Number(id.slice(WINDOWS.length, id.lastIndexOf('/')));
}
