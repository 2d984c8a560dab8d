/**
 * The frame of every fault test: load from many clients, faults in the middle of it, and a verdict over the whole
 * history. A scenario is over when the sequence moves again by itself.
 */
import type { Test } from 'tap';
import { type History, recordHistory } from '../support/history.js';
import { checkHistory, type Stats } from '../support/linearizability.js';
import { currentIndex, waitForIndex } from '../support/sequence-probe.js';
import type { WarrenProcess } from '../support/warren-process.js';

/** Handed out before the first fault, and after the last one. */
const NUMBERS = 100;

export interface Load {
  readonly clients: number;
  readonly timeoutMs?: number;
  /** Each client's rest after an answer; by default so long that the machine has time for the faults. */
  readonly pauseMs?: number;
  /** Initially the server's own index at the start of the load. */
  readonly initialIndex?: number;
}

export interface Report {
  readonly history: History;
  readonly stats: Stats;
}

/** Runs the faults under load and asserts that the history has one order, without a gap that any client can see. */
export async function underLoad(
  t: Test,
  warren: Pick<WarrenProcess, 'url'>,
  load: Load,
  faults: (signal: AbortSignal) => Promise<void>,
): Promise<Report> {
  const {
    clients,
    timeoutMs = 60_000,
    pauseMs = 10,
    initialIndex = await waitForIndex(warren.url, 0),
  } = load;
  const over = new AbortController();
  t.teardown(() => over.abort());
  const seed = Date.now() % 2 ** 31;
  const recording = recordHistory({
    url: warren.url,
    clients,
    seed,
    timeoutMs,
    pauseMs,
    signal: over.signal,
  });
  let before = await waitForIndex(warren.url, initialIndex + NUMBERS);
  await faults(over.signal);
  before = await waitForIndex(warren.url, before);
  await waitForIndex(warren.url, before + NUMBERS);
  over.abort();
  const history = await recording;
  const finalIndex = await currentIndex(warren.url);
  const verdict = checkHistory(history.operations, { initialIndex, finalIndex });
  t.strictSame(history.complaints, [], 'every body belongs to its index');
  t.match(verdict, { ok: true }, `one order (seed ${seed})`);
  if (!verdict.ok) throw new Error(verdict.violation.message);
  t.comment({ answers: Object.fromEntries(history.answers), ...verdict.stats });
  return { history, stats: verdict.stats };
}

/** Nobody got anything but a number or a plain 503, and nobody waited for ever. */
export function servedOrRefused(t: Test, { history, stats }: Report): void {
  const others = [...history.answers.keys()].filter(
    (answer) => !/^(200|503 (store-unavailable|mailbox-full)|504 commit-in-doubt)$/.test(answer),
  );
  t.strictSame(others, [], 'every request is served or refused with 503');
  t.ok(stats.gaps <= stats.unknownNexts, 'no number is consumed by a refusal');
}

export function refusals({ history }: Report): number {
  let count = 0;
  for (const [answer, times] of history.answers) if (/^50[34] /.test(answer)) count += times;
  return count;
}
