/**
 * A trial of a running deployment: where it stands, a load of concurrent clients, where it stands then, and the verdict on
 * all that they have seen. Moves the sequence.
 */
import { type Distribution, Histogram, LATENCY_MS } from '../meter/histogram.js';
import { type Operation, recordHistory } from './history.js';
import { get } from './http-client.js';
import { checkHistory, type Verdict } from './linearizability.js';

export interface TrialOptions {
  readonly url: string;
  readonly clients: number;
  readonly durationMs: number;
  readonly seed: number;
  /** Other clients use the deployment meanwhile: numbers that nobody here received are theirs. */
  readonly shared: boolean;
  readonly signal?: AbortSignal;
  readonly onOperation?: () => void;
}

export interface Trial {
  readonly verdict: Verdict;
  /** Answers that are wrong by themselves. */
  readonly complaints: readonly string[];
  readonly answers: ReadonlyMap<string, number>;
  readonly operations: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly elapsedMs: number;
  /** Of acknowledged operations, in milliseconds. */
  readonly latency: Distribution;
}

/** With more numbers than this received by nobody, the others are no excuse. */
const MOST_OTHERS = 10_000_000;

/** @throws Error when the deployment does not answer, or is none of ours. */
export async function runTrial(options: TrialOptions): Promise<Trial> {
  const { url, shared } = options;
  const firstIndex = await currentIndex(url);
  const startedAt = performance.now();
  const { operations, answers, complaints } = await recordHistory(options);
  const elapsedMs = performance.now() - startedAt;
  const lastIndex = await currentIndex(url);
  const all = shared ? [...operations, ...takenByOthers(operations, firstIndex)] : operations;
  const known = shared ? { initialIndex: firstIndex } : { initialIndex: firstIndex, finalIndex: lastIndex };
  const latency = new Histogram(LATENCY_MS);
  for (const { outcome, start, end } of operations) if (outcome === 'ok') latency.record(end - start);
  return {
    verdict: checkHistory(all, known),
    complaints,
    answers,
    operations: operations.length,
    firstIndex,
    lastIndex,
    elapsedMs,
    latency: latency.read(),
  };
}

export function passed({ verdict, complaints }: Trial): boolean {
  return verdict.ok && complaints.length === 0;
}

async function currentIndex(url: string): Promise<number> {
  const { status, headers, body } = await get(url, '/current');
  const index = Number(headers['sequence-index'] ?? Number.NaN);
  if (status === 200 && Number.isSafeInteger(index)) return index;
  throw new Error(`${url}/current answered ${status} without a Sequence-Index: ${body.slice(0, 200)}`);
}

/** One unknown `next` for each number that nobody here has received; it may have happened at any time. */
function takenByOthers(operations: readonly Operation[], firstIndex: number): Operation[] {
  let highest = firstIndex;
  let received = 0;
  let start = Number.POSITIVE_INFINITY;
  for (const operation of operations) {
    start = Math.min(start, operation.start);
    if (operation.outcome !== 'ok') continue;
    const shows = operation.index ?? 0;
    highest = Math.max(highest, operation.kind === 'previous' && shows > 0 ? shows + 1 : shows);
    if (operation.kind === 'next') received += 1;
  }
  const missing = Math.max(0, highest - firstIndex - received);
  if (missing > MOST_OTHERS) return [];
  return Array.from({ length: missing }, () => ({ kind: 'next', start, end: start, outcome: 'unknown' }));
}
