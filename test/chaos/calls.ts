/**
 * The load of a chaos run through the client of this package: 200 callers, whose commands have idempotency keys and are repeated. The history
 * must then be more than linearizable: no call has an unknown outcome, and where a key stands in the end is the number of its calls.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, createClient } from '../../src/client/index.js';
import { type History, monotonicMs, type Operation } from '../support/history.js';
import { SeededRandom } from '../support/seeded-random.js';

export interface Call extends Operation {
  /** That made the answer durable. A repeated answer may name a later one than the first did. */
  readonly commit?: string;
  readonly replayed?: boolean;
}

export interface CallOptions {
  readonly url: (client: number) => string;
  readonly clients: number;
  readonly keys: number;
  readonly seed: number;
  /** Each caller's rest after an answer, in milliseconds. */
  readonly pauseMs: number;
  readonly onOperation: (operation: Operation) => void;
  readonly signal: AbortSignal;
}

/** Of `fixtures/heavy-counter.ts`. */
interface Counter {
  readonly name: 'counter';
  readonly commands: { readonly add: () => { readonly reply: number } };
  readonly queries: { readonly get: () => number };
}

/** Above every outage of a run, however busy the machine is. */
const DEADLINE_MS = 120_000;
/** A link that swallows what is sent says nothing. Above the server's own bound on an answer. */
const SILENCE_MS = 4_000;
/** The rest of them are queries. */
const COMMANDS = 0.8;

/** Ends when the signal has come and every call is answered: none is given up. */
export async function recordCalls(options: CallOptions): Promise<History & { readonly operations: Call[] }> {
  const { clients, keys, seed, pauseMs, onOperation, signal } = options;
  const operations: Call[] = [];
  const answers = new Map<string, number>();
  const complaints: string[] = [];
  const tally = (name: string) => answers.set(name, (answers.get(name) ?? 0) + 1);

  const runCaller = async (caller: number): Promise<void> => {
    const random = new SeededRandom(seed + Math.imul(caller, 0x9e3779b1));
    const clients = new Map<string, Client<Counter>>();
    const clientAt = (url: string) => {
      const client =
        clients.get(url) ?? createClient<Counter>(url, { deadlineMs: DEADLINE_MS, silenceMs: SILENCE_MS });
      clients.set(url, client);
      return client;
    };
    while (!signal.aborted) {
      const kind = random.next() < COMMANDS ? 'next' : 'current';
      const key = random.between(0, keys - 1);
      const client = clientAt(options.url(caller));
      const start = monotonicMs();
      const seen = { kind, key, start } as const;
      let operation: Call;
      try {
        const handle = client.counter(`k${key}`);
        const { reply, commit, replayed } = await (kind === 'next' ? handle.add() : handle.get());
        tally(replayed ? 'replayed' : '200');
        operation = { ...seen, end: monotonicMs(), outcome: 'ok', index: Number(reply), replayed };
        if (commit !== undefined) operation = { ...operation, commit };
      } catch (error) {
        tally(error instanceof Error ? error.name : String(error));
        if (complaints.length < 100) complaints.push(`a call was given up: ${error}`);
        operation = { ...seen, end: monotonicMs(), outcome: 'unknown' };
      }
      operations.push(operation);
      onOperation(operation);
      await delay(pauseMs);
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, caller) => runCaller(caller)));
  return { operations, answers, complaints };
}

/** @param ends where each key stood after everything. @returns what is wrong beyond the order of the calls. */
export function notOnce(calls: readonly Call[], ends: readonly number[]): string[] {
  const wrong: string[] = [];
  for (const [key, end] of ends.entries()) {
    const commands = calls.filter((call) => call.kind === 'next' && call.key === key);
    if (commands.length !== end) wrong.push(`k${key} stands at ${end} after ${commands.length} calls`);
    const ordered = commands.toSorted((a, b) => (a.index ?? 0) - (b.index ?? 0));
    let newest = '0.0.0';
    for (const [at, { index, commit, replayed }] of ordered.entries()) {
      if (index !== at + 1) wrong.push(`k${key} has answered ${index} in the place of ${at + 1}`);
      if (commit === undefined) wrong.push(`k${key} has answered ${index} without a commit`);
      else if (isBefore(commit, newest))
        wrong.push(`k${key}: ${index} is of commit ${commit}, and one before it of ${newest}`);
      else if (!replayed) newest = commit;
    }
  }
  return wrong.slice(0, 20);
}

/** Of one shard: by epoch, then by version. */
function isBefore(commit: string, other: string): boolean {
  const [, epoch = 0, version = 0] = commit.split('.').map(Number);
  const [, otherEpoch = 0, otherVersion = 0] = other.split('.').map(Number);
  return epoch === otherEpoch ? version < otherVersion : epoch < otherEpoch;
}
