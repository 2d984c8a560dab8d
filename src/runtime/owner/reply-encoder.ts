/**
 * Encodes replies with large bigints on a thread of piscina. Decimal digits take more than linear time; meanwhile the owner thread can commit,
 * renew its lease and send its heartbeat. Used on the owner thread.
 *
 * The piscina thread starts with the first such reply. It ends after some time without one, and with the owner thread.
 */
import type { Piscina } from 'piscina';
import { POOL_EXEC_ARGV } from '../pool-threads.js';
import type { Checked } from '../values.js';

/**
 * A reply whose large bigints have more bits than this is encoded on the other thread: about 5,000 digits. Below half of that, sending a reply to
 * the other thread costs more than encoding it: `npm run bench:micro -- large-reply`.
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
   * Encodes a reply. The owner waits for one text at a time, so an earlier text that is not ready belongs to a dropped turn, and is aborted.
   *
   * @throws when the text takes too long, or its thread ends.
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
    // Loaded only when it is needed: most actors have no large replies.
    const { Piscina } = await import('piscina');
    const pool = new Piscina<Task, string>({
      filename: entry,
      execArgv: [...POOL_EXEC_ARGV],
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
