/**
 * What a chaos run drives: the sequence, or an actor that counts under 200 keys, by bare requests or by calls of the client with idempotency keys, and how the
 * histories are judged: each key by itself, as one counter.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { numberIn, type Subject, sequence } from '../../src/verify/subject.js';
import type { Operation } from '../support/history.js';
import { get } from '../support/http-client.js';
import { checkHistory, type Verdict } from '../support/linearizability.js';
import { SeededRandom } from '../support/seeded-random.js';

export type Name = 'sequence' | 'counter' | 'calls';

export interface Driven {
  readonly name: Name;
  readonly subject: Subject;
  /** What the server is told, so that it serves this. */
  readonly env: Readonly<Record<string, string>>;
}

const RETRY_MS = 10;
const ACTOR = new URL('./fixtures/heavy-counter.js', import.meta.url);

export function drivenBy(name: Name): Driven {
  if (name === 'sequence') return { name, subject: sequence(), env: {} };
  // Its states do not all fit into the owner's memory, so they are loaded again and again.
  return { name, subject: counters(200), env: { ACTORS: fileURLToPath(ACTOR), STATE_MEMORY_MB: '1' } };
}

function counters(keys: number): Subject {
  return {
    mix: { next: 2, current: 1, previous: 0 },
    keys,
    probe: 'current',
    request: (kind, key) =>
      kind === 'next'
        ? { method: 'POST', path: `/counter/k${key}/add` }
        : { method: 'GET', path: `/counter/k${key}/get` },
    read: (_, { body }) => numberIn(body),
  };
}

/** Where each key stands. What clients left behind may still be on its way into the store, and until then a read is turned away. */
export async function finalIndexes(url: string, { subject }: Driven, withinMs: number): Promise<number[]> {
  const giveUpAt = performance.now() + withinMs;
  const indexes: number[] = [];
  while (indexes.length < subject.keys) {
    const { path } = subject.request('current', indexes.length, new SeededRandom(0));
    const answer = await get(url, path);
    const { index } = answer.status === 200 ? subject.read('current', answer) : {};
    if (index !== undefined) indexes.push(index);
    else if (![503, 504].includes(answer.status) || performance.now() > giveUpAt) {
      throw new Error(`the last read was answered ${answer.status}: ${answer.body.slice(0, 200)}`);
    } else await delay(RETRY_MS);
  }
  return indexes;
}

/** @param ends where each key stood after everything. The figures are those of all keys together. */
export function judge(operations: readonly Operation[], ends: readonly number[]): Verdict {
  const byKey: Operation[][] = ends.map(() => []);
  for (const operation of operations) byKey[operation.key ?? 0]?.push(operation);
  const total = { operations: 0, nexts: 0, reads: 0, failed: 0, unknownNexts: 0, gaps: 0, highestIndex: 0 };
  for (const [key, finalIndex] of ends.entries()) {
    const verdict = checkHistory(byKey[key] ?? [], { finalIndex });
    if (!verdict.ok) return verdict;
    for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += verdict.stats[name];
  }
  return { ok: true, stats: total };
}
