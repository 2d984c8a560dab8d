/**
 * Converts an index to the decimal digits of two terms, on threads of piscina. The threads start and end with each conversion, since conversions are
 * rare. A conversion that fails, hangs or loses a thread is reported, and tried again after a pause, until it succeeds or is aborted.
 *
 *   index ──> pair: fast doubling ──> F(n)   ──> decimal digits    side by side, on two threads
 *                                 └─> F(n+1) ──> decimal digits
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Piscina } from 'piscina';
import { messageOf, WarrenError } from '../../errors.js';
import { POOL_EXEC_ARGV } from '../../runtime/pool-threads.js';
import type { ConversionTask } from './conversion.js';

const ENTRY = new URL('../../../workers/format.js', import.meta.url).href;

/** Pauses before another try, in milliseconds: doubled each time, up to a limit. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
const PROGRESS_MS = 2_000;

export interface ConversionOptions {
  readonly threads: number;
  /** Heap limit of each thread's old generation, in MiB. */
  readonly heapMb: number;
  /** Bound on one try, in milliseconds. */
  readonly timeoutMs: number;
  /** Called every two seconds. */
  readonly onProgress: (index: number, step: string) => void;
  /** A try failed, with the code `format-failing`. */
  readonly onFailure: (error: WarrenError) => void;
  /** Module of a thread. */
  readonly entry?: string;
}

type Pool = Piscina<ConversionTask, [bigint, bigint] | string>;
/** @param steps of fast doubling, done and all. */
type Work<T> = (pool: Pool, index: number, steps: Int32Array) => Promise<T>;

export class ConversionPool {
  readonly #options: ConversionOptions;
  conversions = 0;
  failures = 0;
  /** Time of the conversions that succeeded, in milliseconds. */
  tookMs = 0;

  constructor(options: ConversionOptions) {
    this.#options = options;
  }

  /** @returns F(index) and F(index + 1) in decimal; undefined when the signal aborted. Never rejects. */
  convert(index: number, signal: AbortSignal): Promise<readonly [string, string] | undefined> {
    return this.#repeat(index, signal, this.#options.threads, pairOfTexts);
  }

  /** @returns F(index) in decimal; undefined when the signal aborted. Never rejects. */
  term(index: number, signal: AbortSignal): Promise<string | undefined> {
    return this.#repeat(
      index,
      signal,
      1,
      async (pool) => (await pool.run({ kind: 'term', index })) as string,
    );
  }

  async #repeat<T>(
    index: number,
    signal: AbortSignal,
    threads: number,
    work: Work<T>,
  ): Promise<T | undefined> {
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      const begin = performance.now();
      try {
        const terms = await this.#try(index, signal, threads, work);
        this.conversions += 1;
        this.tookMs += performance.now() - begin;
        return terms;
      } catch (error) {
        if (signal.aborted) return undefined;
        this.failures += 1;
        const message = `the terms at index ${index} could not be converted to decimal: ${messageOf(error)}`;
        this.#options.onFailure(new WarrenError('format-failing', message, { cause: error }));
      }
      await delay(pauseMs, undefined, { signal }).catch(() => {});
    }
    return undefined;
  }

  async #try<T>(index: number, signal: AbortSignal, threads: number, work: Work<T>): Promise<T> {
    const { heapMb, timeoutMs, onProgress, entry = ENTRY } = this.#options;
    // piscina is loaded when it is needed, which for small numbers is never.
    const { Piscina } = await import('piscina');
    const pool: Pool = new Piscina({
      filename: entry,
      execArgv: [...POOL_EXEC_ARGV],
      minThreads: threads,
      maxThreads: threads,
      maxQueue: 2,
      concurrentTasksPerWorker: 1,
      resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: 8 },
    });
    const steps = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
    const ticker = setInterval(() => onProgress(index, stepOf(steps)), PROGRESS_MS);
    let cancel = () => {};
    // A thread that fails between two tasks is known to the pool alone. Without a listener it would be an uncaught exception.
    const failed = new Promise<never>((_, reject) => {
      pool.on('error', reject);
      const timer = setTimeout(() => reject(new Error(`it took longer than ${timeoutMs} ms`)), timeoutMs);
      const aborted = () => reject(signal.reason);
      signal.addEventListener('abort', aborted);
      cancel = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', aborted);
      };
    });
    try {
      return await Promise.race([work(pool, index, steps), failed]);
    } finally {
      cancel();
      clearInterval(ticker);
      void pool.destroy().catch(() => {});
    }
  }
}

async function pairOfTexts(pool: Pool, index: number, steps: Int32Array): Promise<[string, string]> {
  const decimal = (value: bigint) => pool.run({ kind: 'decimal', value }) as Promise<string>;
  const [a, b] = (await pool.run({ kind: 'pair', index, steps })) as [bigint, bigint];
  return Promise.all([decimal(a), decimal(b)]);
}

function stepOf([done = 0, all = 0]: Int32Array): string {
  return done < all || all === 0 ? `doubling, step ${done} of ${all || '?'}` : 'converting to decimal';
}
