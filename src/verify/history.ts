/**
 * What clients saw: one record per request, with its time and its outcome, and a recorder that drives a server with
 * concurrent clients and writes everything down. Times are CLOCK_MONOTONIC in milliseconds, so that histories from
 * several processes of one machine can be put together. The load is seeded: each client's mix of requests is the same
 * in every run, only the interleaving is the machine's. `linearizability.ts` judges the result.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createAgent, get, type HttpAnswer, RequestFailed } from './http-client.js';
import { Receipts } from './receipts.js';
import { SeededRandom } from './seeded-random.js';
import { type Kind, type Mix, type Subject, sequence } from './subject.js';

export interface Operation {
  readonly kind: Kind;
  /** Which of the subject's counters; left out when there is one. */
  readonly key?: number;
  /** Before the request was sent. */
  readonly start: number;
  /** After the last byte of the answer, or when the client gave up. */
  readonly end: number;
  /** ok: it took effect. failed: it surely did not and never will. unknown: it may have, or may yet. */
  readonly outcome: 'ok' | 'failed' | 'unknown';
  /** The `Sequence-Index` of an ok operation: of the number in the body, so for `previous` the one before the current. */
  readonly index?: number;
}

export interface History {
  readonly operations: readonly Operation[];
  /** How often each answer came: `200`, `504 commit-in-doubt`, `ECONNRESET`. */
  readonly answers: ReadonlyMap<string, number>;
  /** Answers that break the contract by themselves, such as a value that does not belong to its index; the first 100. */
  readonly complaints: readonly string[];
}

export interface RecordOptions {
  /** A function is asked before each request, for servers that move or are several; `last` is the client's last record. */
  readonly url: string | ((client: number, last: Operation | undefined) => string);
  readonly clients: number;
  readonly seed: number;
  /** What is asked; the sequence by default. */
  readonly subject?: Subject;
  /** Relative weights, in place of the subject's. */
  readonly mix?: Mix;
  /** The recording ends with the first of these that comes; at least one is needed. */
  readonly durationMs?: number;
  readonly operations?: number;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** Each client's rest after an answer, which bounds the rate and with it the length of the history. Default 0. */
  readonly pauseMs?: number;
  /** Called after each operation. */
  readonly onOperation?: (operation: Operation) => void;
  /** Sent with each request, such as credentials. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Takes the operations, and the history holds none: for recordings that are longer than a memory. */
  readonly sink?: OperationSink;
}

/** Takes operations one by one, and may hold up the clients between two of their requests. */
export interface OperationSink {
  /** While there is a promise, no request begins. */
  gate(): Promise<void> | undefined;
  begin(): void;
  end(operation: Operation): void;
}

const KEPT_COMPLAINTS = 100;
const KEPT_ANSWERS = 100;
/** After anything but a 200, so that clients of a dead server do not take the processor from its successor. */
const RETRY_MS = 5;

export async function recordHistory(options: RecordOptions): Promise<History> {
  const { url, clients, seed, durationMs, signal, subject = sequence() } = options;
  if (durationMs === undefined && options.operations === undefined && signal === undefined) {
    throw new RangeError('a recording needs an end: durationMs, operations or signal');
  }
  const { operations: limit = Number.POSITIVE_INFINITY, mix = subject.mix, onOperation } = options;
  const { timeoutMs = 10_000, pauseMs = 0, headers = {}, sink } = options;
  const stopAt = monotonicMs() + (durationMs ?? Number.POSITIVE_INFINITY);
  const agents = new Map<string, ReturnType<typeof createAgent>>();
  const agentFor = (target: string) => {
    const scheme = new URL(target).protocol;
    const agent = agents.get(scheme) ?? createAgent(target);
    agents.set(scheme, agent);
    return agent;
  };
  const tally = new Tally();
  const receipts = new Receipts();
  const operations: Operation[] = [];
  let begun = 0;

  const runClient = async (client: number): Promise<void> => {
    const random = new SeededRandom(seed + Math.imul(client, 0x9e3779b1));
    let last: Operation | undefined;
    while (begun < limit && monotonicMs() < stopAt && !signal?.aborted) {
      const gate = sink?.gate();
      if (gate) {
        await gate;
        continue;
      }
      sink?.begin();
      begun++;
      const kind = random.weighted(mix);
      const key = subject.keys > 1 ? random.between(0, subject.keys - 1) : undefined;
      const { path, ...asked } = subject.request(kind, key ?? 0, random);
      const target = typeof url === 'string' ? url : url(client, last);
      const known = receipts.known;
      const start = monotonicMs();
      const request = { ...asked, headers, agent: agentFor(target), timeoutMs };
      const answer = await get(target, path, request).catch(asRequestFailed);
      const end = monotonicMs();
      const meaning = meaningOf(subject, kind, answer);
      tally.add(meaning);
      if (kind === 'next' && meaning.name === '200')
        tally.complain(receipts.check(answer as HttpAnswer, known));
      const { outcome, index } = meaning;
      last = { kind, start, end, outcome };
      if (index !== undefined) last = { ...last, index };
      if (key !== undefined) last = { ...last, key };
      if (sink) sink.end(last);
      else operations.push(last);
      onOperation?.(last);
      if (outcome !== 'ok') await delay(Math.max(RETRY_MS, pauseMs));
      else if (pauseMs > 0) await delay(pauseMs);
    }
  };
  try {
    await Promise.all(Array.from({ length: clients }, (_, client) => runClient(client)));
  } finally {
    for (const agent of agents.values()) agent.destroy();
  }
  return { operations, answers: tally.answers, complaints: tally.complaints };
}

export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

/** What one answer says of its operation. */
export interface Meaning extends Pick<Operation, 'outcome' | 'index'> {
  /** `200`, `504 commit-in-doubt`, `ECONNRESET`. */
  readonly name: string;
  readonly complaint?: string;
}

/** In doubt it says unknown: that can only make the later check more lenient. */
export function meaningOf(subject: Subject, kind: Kind, answer: HttpAnswer | RequestFailed): Meaning {
  if (answer instanceof RequestFailed) {
    return { outcome: answer.maybeExecuted ? 'unknown' : 'failed', name: answer.code };
  }
  const { status, body } = answer;
  if (status === 200) {
    const shown = subject.read(kind, answer);
    return { outcome: shown.index === undefined ? 'unknown' : 'ok', name: '200', ...shown };
  }
  const code = problemCode(body);
  // Without a code it was not Warren that answered, and a proxy may say 503 of what it had sent on already.
  const promised = code !== undefined && (status === 503 || (status >= 400 && status < 500));
  return {
    outcome: promised ? 'failed' : 'unknown',
    name: code === undefined ? String(status) : `${status} ${code}`,
  };
}

/** Keeps count of the answers, and of what is wrong with them. */
class Tally {
  readonly answers = new Map<string, number>();
  readonly complaints: string[] = [];

  add({ name, complaint }: Meaning): void {
    const known = this.answers.has(name) || this.answers.size < KEPT_ANSWERS ? name : 'others';
    this.answers.set(known, (this.answers.get(known) ?? 0) + 1);
    this.complain(complaint);
  }

  complain(complaint: string | undefined): void {
    if (complaint !== undefined && this.complaints.length < KEPT_COMPLAINTS) this.complaints.push(complaint);
  }
}

/** Any other error is a fault of the program. */
export function asRequestFailed(error: unknown): RequestFailed {
  if (error instanceof RequestFailed) return error;
  throw error;
}

function problemCode(body: string): string | undefined {
  try {
    const problem = JSON.parse(body) as { code?: unknown } | null;
    return typeof problem?.code === 'string' ? problem.code : undefined;
  } catch {
    return undefined;
  }
}
