/**
 * One chaos run: a recorded load and random faults from one seed, then the linearizability checker's verdict over the
 * whole history, with a last read after everything is mended.
 */
import type { Scope } from '../support/child-handle.js';
import { type History, monotonicMs, recordHistory } from '../support/history.js';
import { checkHistory, type Verdict } from '../support/linearizability.js';
import { type FaultRecord, unleash } from './faults.js';
import { type StoreKind, World } from './world.js';

export interface ChaosOptions {
  readonly store: StoreKind;
  readonly seed: number;
  readonly seconds: number;
}

export interface ChaosReport extends ChaosOptions {
  readonly beganAt: number;
  readonly timeline: readonly FaultRecord[];
  readonly history: History;
  /** Undefined when the server did not come back to be read a last time. */
  readonly verdict: Verdict | undefined;
  /** Everything else that must not be: an end by itself, no recovery, a wrong body. Empty in a good run. */
  readonly failures: readonly string[];
}

const CLIENTS = 24;
/** Some 2,000 requests a second: an hour's history could still be checked, and values stay short. */
const PAUSE_MS = 8;
const MENDED_WITHIN_MS = 60_000;

export async function runChaos(scope: Scope, options: ChaosOptions): Promise<ChaosReport> {
  const { store, seed, seconds } = options;
  const world = await World.start(scope, store);
  const failures: string[] = [];
  if (!(await world.ready(MENDED_WITHIN_MS))) failures.push('the server was never ready');

  const beganAt = monotonicMs();
  const ending = new AbortController();
  const recording = recordHistory({
    url: (client) => world.urlFor(client),
    clients: CLIENTS,
    seed,
    pauseMs: PAUSE_MS,
    timeoutMs: 4_000,
    signal: ending.signal,
  });
  const timeline = await unleash(world, seed, beganAt + seconds * 1_000).catch((error: unknown) => {
    failures.push(`a fault could not be mended: ${error instanceof Error ? error.message : error}`);
    return [];
  });
  const recovered = await world.ready(MENDED_WITHIN_MS);
  ending.abort();
  const history = await recording;

  let verdict: Verdict | undefined;
  if (recovered) {
    verdict = checkHistory(history.operations, { finalIndex: await world.finalIndex(MENDED_WITHIN_MS) });
    await world.stop();
  } else {
    failures.push(`not ready within ${MENDED_WITHIN_MS} ms; the server's output:\n${world.server.output}`);
  }
  failures.push(...world.surprises, ...history.complaints);
  return { ...options, beganAt, timeline, history, verdict, failures };
}
