/**
 * A trial of a running deployment: reads the counter, loads it with concurrent clients, reads it again, and judges everything that the clients have
 * seen. It advances the counter. It judges in windows, so a trial of an hour takes no more memory than one of a minute.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Distribution, Histogram, LATENCY_MS } from '../meter/histogram.js';
import { asRequestFailed, meaningOf, monotonicMs, type OperationSink, recordHistory } from './history.js';
import { get, RequestFailed } from './http-client.js';
import type { Verdict } from './linearizability.js';
import { SeededRandom } from './seeded-random.js';
import { type Subject, sequence } from './subject.js';
import { WindowedJudge } from './windowed-judge.js';

export interface TrialOptions {
  /** Without credentials. */
  readonly url: string;
  /** One counter; the sequence by default. */
  readonly subject?: Subject;
  /** Sent with each request, such as credentials. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly clients: number;
  readonly durationMs: number;
  /** The load ends after so many, when that comes first. */
  readonly operations?: number;
  readonly seed: number;
  /** Other clients use the deployment meanwhile: numbers that this trial did not receive are theirs. */
  readonly shared: boolean;
  readonly windowOperations?: number;
  readonly signal?: AbortSignal;
  readonly onOperation?: () => void;
}

export interface Trial {
  readonly verdict: Verdict;
  /** Answers that are wrong by themselves. */
  readonly complaints: readonly string[];
  readonly answers: ReadonlyMap<string, number>;
  readonly operations: number;
  /** Parts of the recording that were judged by themselves. */
  readonly windows: number;
  readonly firstIndex: number;
  /** Undefined when it could not be read any more. */
  readonly lastIndex: number | undefined;
  readonly elapsedMs: number;
  /** Of acknowledged operations, in milliseconds. */
  readonly latency: Distribution;
}

/** For how long a last read is tried again: a proxy may answer for a deployment that is about to come back. */
const PATIENCE_MS = 5_000;
const RETRY_MS = 100;

/** @throws Error when the deployment does not answer at the beginning, or is none of ours. */
export async function runTrial(options: TrialOptions): Promise<Trial> {
  const { shared, durationMs, signal } = options;
  const firstIndex = await standing(options);
  const startedAt = performance.now();
  const refuted = new AbortController();
  const ended = signal ? AbortSignal.any([signal, refuted.signal]) : refuted.signal;
  const judge: WindowedJudge = new WindowedJudge({
    firstIndex,
    shared,
    ...(options.windowOperations === undefined ? {} : { windowOperations: options.windowOperations }),
    readIndex: () => standing(options, judge).catch(() => undefined),
    isOver: () => ended.aborted || performance.now() - startedAt >= durationMs,
    onRefuted: () => refuted.abort(),
  });
  const latency = new Histogram(LATENCY_MS);
  let operations = 0;
  const sink: OperationSink = {
    gate: () => judge.gate(),
    begin: () => judge.begin(),
    end(operation) {
      operations += 1;
      if (operation.outcome === 'ok') latency.record(operation.end - operation.start);
      judge.end(operation);
    },
  };
  const { answers, complaints } = await recordHistory({ ...options, signal: ended, sink });
  const elapsedMs = performance.now() - startedAt;
  const lastIndex = await patiently(() => standing(options, judge));
  return {
    verdict: judge.verdict(lastIndex),
    complaints,
    answers,
    operations,
    windows: judge.windows,
    firstIndex,
    lastIndex,
    elapsedMs,
    latency: latency.read(),
  };
}

export function passed({ verdict, complaints }: Trial): boolean {
  return verdict.ok && complaints.length === 0;
}

/**
 * Where the counter stands. What can only be learned by moving it is part of the history.
 *
 * @throws Error when that was not answered.
 */
async function standing(
  { url, headers = {}, subject = sequence(), seed }: TrialOptions,
  history?: OperationSink,
): Promise<number> {
  const kind = subject.probe;
  const moves = kind === 'next' ? history : undefined;
  const { path, ...asked } = subject.request(kind, 0, new SeededRandom(seed));
  moves?.begin();
  const start = monotonicMs();
  const answer = await get(url, path, { ...asked, headers }).catch(asRequestFailed);
  const { outcome, index, name, complaint } = meaningOf(subject, kind, answer);
  moves?.end({ kind, start, end: monotonicMs(), outcome, ...(index === undefined ? {} : { index }) });
  if (index !== undefined) return index;
  if (answer instanceof RequestFailed) throw answer;
  throw new Error(`${url}${path} answered ${complaint ?? `${name}: ${answer.body.slice(0, 200)}`}`);
}

/** What clients have seen is worth a verdict, also when the deployment is gone in the end. */
async function patiently(read: () => Promise<number>): Promise<number | undefined> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await read();
    } catch (error) {
      const refused = error instanceof RequestFailed && error.code === 'ECONNREFUSED';
      if (refused || performance.now() > giveUpAt) return undefined;
      await delay(RETRY_MS);
    }
  }
}
