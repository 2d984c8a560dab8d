/**
 * Texts of replies that hold large bigints, made on a thread of piscina: decimal digits cost more than linear time, and meanwhile this thread
 * commits, renews its lease and shows that it lives. Owner thread only.
 *
 * The thread begins with the first such reply and ends when there was none for a while. It ends with the owner thread, too.
 */
import type { Piscina } from 'piscina';
import type { Checked } from '../values.js';

/**
 * A reply with more bits of large bigints is encoded here; 5,000 digits have as many. Below half of it, to hand a reply over costs this thread
 * more than to encode it: `npm run bench:micro -- large-reply`.
 */
export const LARGE_BIGINT_BITS = 1 << 14;

const ENTRY = new URL('../../../workers/format.js', import.meta.url).href;
const IDLE_MS = 30_000;

export interface EncoderOptions {
  /** Heap limit of the thread's old generation, in MiB. */
  readonly heapMb: number;
  /** Bound on one text, in milliseconds. */
  readonly timeoutMs: number;
  /** Module of the thread. */
  readonly entry?: string;
}

type Task = Pick<Checked, 'value' | 'plain'>;

export class ReplyEncoder {
  readonly #options: EncoderOptions;
  #pool: Promise<Piscina<Task, string>> | undefined;
  #underWay = new AbortController();

  constructor(options: EncoderOptions) {
    this.#options = options;
  }

  /**
   * The owner waits for one text at a time: the one before, if it is not ready, belongs to a turn that was dropped, and is ended.
   *
   * @throws when the text takes too long, or the thread ends over it.
   */
  async encode({ value, plain }: Checked): Promise<string> {
    this.#underWay.abort(new Error('its turn was dropped'));
    const underWay = new AbortController();
    this.#underWay = underWay;
    const { timeoutMs } = this.#options;
    const late = new Error(`it took longer than ${timeoutMs} ms`);
    const timer = setTimeout(() => underWay.abort(late), timeoutMs);
    try {
      this.#pool ??= this.#begin();
      const pool = await this.#pool;
      return await pool.run({ value, plain }, { name: 'encode', signal: underWay.signal });
    } catch (error) {
      throw underWay.signal.aborted ? underWay.signal.reason : error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #begin(): Promise<Piscina<Task, string>> {
    const { heapMb, entry = ENTRY } = this.#options;
    // Its library is loaded when it is needed, which for most actors is never.
    const { Piscina } = await import('piscina');
    const pool = new Piscina<Task, string>({
      filename: entry,
      minThreads: 0,
      maxThreads: 1,
      idleTimeout: IDLE_MS,
      concurrentTasksPerWorker: 1,
      resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: 8 },
    });
    // A thread that fails between two tasks is replaced. Without a listener it would be an uncaught exception.
    pool.on('error', () => {});
    return pool;
  }
}
