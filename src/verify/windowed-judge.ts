/**
 * Judges a recording window by window, so its memory is bounded however long it lasts. When a window is full, the clients wait until
 * none of their requests is under way, and the index is read: whatever they saw before comes before that read in every
 * order, and whatever they will see comes after it. So the windows can be judged one by one, and the verdict is as exact as one over
 * everything. Of a window that was judged only a number is left: the unknown `next`s that explained no gap, which may take effect later.
 *
 *     window 1         | read |         window 2         | read |  …
 *     initial index ───> final = initial index ───> final = …
 *
 * While the deployment does not answer such a read, the window grows, up to a bound; then the clients wait.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Operation, OperationSink } from './history.js';
import { checkHistory, type Stats, type Verdict } from './linearizability.js';

export interface WindowedJudgeOptions {
  readonly firstIndex: number;
  /** Other clients use the deployment meanwhile: numbers that this trial did not receive are theirs. */
  readonly shared: boolean;
  /** Operations after which a window is closed. */
  readonly windowOperations?: number;
  /** Where the sequence stands; undefined when that cannot be read now. */
  readonly readIndex: () => Promise<number | undefined>;
  /** The recording is over: nothing more is waited for. */
  readonly isOver: () => boolean;
  /** The verdict is certain already. */
  readonly onRefuted: () => void;
}

const WINDOW_OPERATIONS = 100_000;
/** A window that cannot be closed grows by this share before the next attempt, up to so many times its size. */
const GROWTH = 1 / 10;
const MOST_GROWTH = 4;
const RETRY_MS = 100;
/** More missing numbers than this in one window are not explained by other clients. */
const MOST_OTHERS = 1_000_000;

export class WindowedJudge implements OperationSink {
  readonly #options: WindowedJudgeOptions;
  readonly #windowOperations: number;
  #operations: Operation[] = [];
  #initialIndex: number;
  /** Unknown `next`s of earlier windows that may still take effect. */
  #earlier = 0;
  #closeAt: number;
  #inFlight = 0;
  #gate: Promise<void> | undefined;
  #idle: (() => void) | undefined;
  #refuted: Verdict | undefined;
  #stats: Stats;
  windows = 0;

  constructor(options: WindowedJudgeOptions) {
    this.#options = options;
    this.#windowOperations = options.windowOperations ?? WINDOW_OPERATIONS;
    this.#closeAt = this.#windowOperations;
    this.#initialIndex = options.firstIndex;
    const none = { operations: 0, nexts: 0, reads: 0, failed: 0, unknownNexts: 0, gaps: 0 };
    this.#stats = { ...none, highestIndex: options.firstIndex };
  }

  gate(): Promise<void> | undefined {
    return this.#gate;
  }

  begin(): void {
    this.#inFlight += 1;
  }

  end(operation: Operation): void {
    this.#inFlight -= 1;
    if (!this.#refuted) this.#keep(operation);
    if (this.#operations.length >= this.#closeAt && !this.#gate) this.#gate = this.#close();
    if (this.#inFlight === 0) this.#idle?.();
  }

  #keep(operation: Operation): void {
    // A failed operation says nothing, and neither does a read of unknown outcome.
    const { outcome, kind } = operation;
    if (outcome === 'ok' || (outcome === 'unknown' && kind === 'next')) this.#operations.push(operation);
    else {
      const failed = this.#stats.failed + (outcome === 'failed' ? 1 : 0);
      this.#stats = { ...this.#stats, operations: this.#stats.operations + 1, failed };
    }
  }

  /** After the recording. @param lastIndex undefined when it cannot be read. */
  verdict(lastIndex: number | undefined): Verdict {
    if (!this.#refuted) this.#judge(lastIndex);
    return this.#refuted ?? { ok: true, stats: this.#stats };
  }

  async #close(): Promise<void> {
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    const { readIndex, isOver } = this.#options;
    let index = await readIndex();
    const full = this.#operations.length >= this.#windowOperations * MOST_GROWTH;
    while (index === undefined && full && !isOver()) {
      await delay(RETRY_MS);
      index = await readIndex();
    }
    if (index === undefined) this.#closeAt = this.#operations.length + this.#windowOperations * GROWTH;
    else this.#judge(index);
    this.#idle = undefined;
    this.#gate = undefined;
  }

  #judge(finalIndex: number | undefined): void {
    const operations = this.#operations;
    const { shared, onRefuted } = this.#options;
    const verdict = checkHistory(operations, {
      initialIndex: this.#initialIndex,
      unknownsBefore: shared ? this.#takenByOthers(finalIndex) : this.#earlier,
      ...(finalIndex === undefined ? {} : { finalIndex }),
    });
    this.windows += 1;
    this.#operations = [];
    this.#closeAt = this.#windowOperations;
    if (!verdict.ok) {
      this.#refuted = verdict;
      onRefuted();
      return;
    }
    const { stats } = verdict;
    this.#earlier = Math.max(0, this.#earlier + stats.unknownNexts - stats.gaps);
    this.#initialIndex = finalIndex ?? stats.highestIndex;
    const sum = (of: Exclude<keyof Stats, 'highestIndex'>) => this.#stats[of] + stats[of];
    this.#stats = {
      operations: sum('operations'),
      nexts: sum('nexts'),
      reads: sum('reads'),
      failed: sum('failed'),
      unknownNexts: sum('unknownNexts'),
      gaps: sum('gaps'),
      highestIndex: Math.max(this.#stats.highestIndex, stats.highestIndex),
    };
  }

  /** Numbers of this window that this trial did not receive; each may have been taken at any time. */
  #takenByOthers(finalIndex: number | undefined): number {
    let highest = finalIndex ?? this.#initialIndex;
    let received = 0;
    for (const { outcome, kind, index = 0 } of this.#operations) {
      if (outcome !== 'ok') continue;
      highest = Math.max(highest, kind === 'previous' && index > 0 ? index + 1 : index);
      if (kind === 'next') received += 1;
    }
    const missing = Math.max(0, highest - this.#initialIndex - received);
    return missing > MOST_OTHERS ? 0 : missing;
  }
}
