/**
 * One chaos run: a recorded load and random faults from one seed, then the linearizability checker's verdict over the
 * whole history, with a last read after everything is mended, by a new process: so what is read is what was stored.
 */
import type { Scope } from '../support/child-handle.js';
import { type History, monotonicMs, type Operation, recordHistory } from '../support/history.js';
import type { Verdict } from '../support/linearizability.js';
import { notOnce, recordCalls } from './calls.js';
import type { ChaosWorld } from './chaos-world.js';
import { drivenBy, judge, type Name } from './driven.js';
import { type FaultRecord, unleash } from './faults.js';
import type { RedisKind } from './nodes-redis.js';
import { NodesWorld } from './nodes-world.js';
import { type StoreKind, World } from './world.js';

export interface ChaosOptions {
  readonly store: StoreKind;
  readonly actor: Name;
  readonly seed: number;
  readonly seconds: number;
  /** 0 for one server. */
  readonly nodes: number;
  readonly shards: number;
  /** How the nodes' Redis is run. */
  readonly redis: RedisKind;
  /** The one kind of fault that happens; all of them when it is empty. For nodes. */
  readonly only: string;
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
/** Callers through the client, and their pause: about as many requests a second. */
const CALLERS = 200;
const CALL_PAUSE_MS = 80;
/** With several nodes most requests are handled twice. */
const CALL_PAUSE_OF_NODES_MS = 250;
const PAUSE_OF_NODES_MS = 25;
const MENDED_WITHIN_MS = 60_000;

export async function runChaos(scope: Scope, options: ChaosOptions): Promise<ChaosReport> {
  const { store, actor, seed, seconds } = options;
  const driven = drivenBy(actor);
  const several = options.nodes > 0;
  const world: ChaosWorld = several
    ? await NodesWorld.start(scope, options, driven)
    : await World.start(scope, store, driven);
  const failures: string[] = [];
  if (!(await world.ready(MENDED_WITHIN_MS))) failures.push('the server was never ready');

  const ending = new AbortController();
  const load = {
    url: (client: number) => world.urlFor(client),
    onOperation: (operation: Operation) => world.observe(operation),
    seed,
    signal: ending.signal,
  };
  const { subject } = driven;
  const recording =
    actor === 'calls'
      ? recordCalls({
          ...load,
          clients: CALLERS,
          keys: subject.keys,
          pauseMs: several ? CALL_PAUSE_OF_NODES_MS : CALL_PAUSE_MS,
        })
      : recordHistory({
          ...load,
          subject,
          clients: CLIENTS,
          pauseMs: several ? PAUSE_OF_NODES_MS : PAUSE_MS,
          timeoutMs: 4_000,
        });
  // On a busy machine the first answers take their time.
  await world.serves();
  const beganAt = monotonicMs();
  const timeline = await unleash(world, seed, beganAt + seconds * 1_000).catch((error: unknown) => {
    failures.push(`a fault could not be mended: ${error instanceof Error ? error.message : error}`);
    return [];
  });
  let recovered = await world.ready(MENDED_WITHIN_MS);
  ending.abort();
  const history = await recording;
  if (recovered) {
    await world.restart();
    recovered = await world.ready(MENDED_WITHIN_MS);
  }

  let verdict: Verdict | undefined;
  if (recovered) {
    const ends = await world.finalIndexes(MENDED_WITHIN_MS);
    verdict = judge(history.operations, ends);
    if (actor === 'calls') failures.push(...notOnce(history.operations, ends));
    await world.stop();
  } else {
    failures.push(`not ready within ${MENDED_WITHIN_MS} ms; the server's output:\n${world.output}`);
  }
  failures.push(...world.surprises, ...history.complaints);
  return { ...options, beganAt, timeline, history, verdict, failures };
}
