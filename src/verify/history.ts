/**
 * What clients saw: one record per request, with its time and its outcome, and a recorder that drives a server with
 * concurrent clients and writes everything down. Times are CLOCK_MONOTONIC in milliseconds, so that histories from
 * several processes of one machine can be put together. The load is seeded: each client's mix of requests is the same
 * in every run, only the interleaving is the machine's. `linearizability.ts` judges the result.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { FibonacciOracle } from './fibonacci-oracle.js';
import { createAgent, get, type HttpAnswer, RequestFailed } from './http-client.js';
import { SeededRandom } from './seeded-random.js';

export type Kind = 'next' | 'current' | 'previous';

export interface Operation {
  readonly kind: Kind;
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
  /** Relative weights; by default half of the requests are `next`. */
  readonly mix?: Readonly<Record<Kind, number>>;
  /** The recording ends with the first of these that comes; at least one is needed. */
  readonly durationMs?: number;
  readonly operations?: number;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** Each client's rest after an answer, which bounds the rate and with it the length of the history. Default 0. */
  readonly pauseMs?: number;
  /** Bodies are compared with independently computed values below this index. */
  readonly checkValuesBelow?: number;
  /** Called after each operation, for whoever shows progress. */
  readonly onOperation?: () => void;
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

const EVEN_MIX: Readonly<Record<Kind, number>> = { next: 2, current: 1, previous: 1 };
const KEPT_COMPLAINTS = 100;
const KEPT_ANSWERS = 100;
/** After anything but a 200, so that clients of a dead server do not take the processor from its successor. */
const RETRY_MS = 5;

export async function recordHistory(options: RecordOptions): Promise<History> {
  const { url, clients, seed, mix = EVEN_MIX, durationMs, signal } = options;
  if (durationMs === undefined && options.operations === undefined && signal === undefined) {
    throw new RangeError('a recording needs an end: durationMs, operations or signal');
  }
  const { operations: limit = Number.POSITIVE_INFINITY, checkValuesBelow = 3_000, onOperation } = options;
  const { timeoutMs = 10_000, pauseMs = 0, headers = {}, sink } = options;
  const stopAt = monotonicMs() + (durationMs ?? Number.POSITIVE_INFINITY);
  const agents = new Map<string, ReturnType<typeof createAgent>>();
  const agentFor = (target: string) => {
    const scheme = new URL(target).protocol;
    const agent = agents.get(scheme) ?? createAgent(target);
    agents.set(scheme, agent);
    return agent;
  };
  const judge = new Judge(checkValuesBelow);
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
      const method = kind === 'next' && random.next() < 0.5 ? 'POST' : 'GET';
      const target = typeof url === 'string' ? url : url(client, last);
      const start = monotonicMs();
      const request = { method, headers, agent: agentFor(target), timeoutMs };
      const answer = await get(target, `/${kind}`, request).catch(asRequestFailed);
      const end = monotonicMs();
      const verdict = judge.judge(kind, answer);
      last = { kind, start, end, ...verdict };
      if (sink) sink.end(last);
      else operations.push(last);
      onOperation?.();
      if (verdict.outcome !== 'ok') await delay(Math.max(RETRY_MS, pauseMs));
      else if (pauseMs > 0) await delay(pauseMs);
    }
  };
  try {
    await Promise.all(Array.from({ length: clients }, (_, client) => runClient(client)));
  } finally {
    for (const agent of agents.values()) agent.destroy();
  }
  return { operations, answers: judge.answers, complaints: judge.complaints };
}

export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

/** Turns answers into outcomes. In doubt it says unknown: that can only make the later check more lenient. */
class Judge {
  readonly answers = new Map<string, number>();
  readonly complaints: string[] = [];
  readonly #oracle = new FibonacciOracle();
  readonly #checkValuesBelow: number;

  constructor(checkValuesBelow: number) {
    this.#checkValuesBelow = checkValuesBelow;
  }

  judge(kind: Kind, answer: HttpAnswer | RequestFailed): Pick<Operation, 'outcome' | 'index'> {
    if (answer instanceof RequestFailed) {
      this.#count(answer.code);
      return { outcome: answer.maybeExecuted ? 'unknown' : 'failed' };
    }
    const { status, headers, body } = answer;
    if (status === 200) {
      this.#count('200');
      return this.#judgeOk(kind, headers['sequence-index'], body);
    }
    const code = problemCode(body);
    this.#count(code === undefined ? String(status) : `${status} ${code}`);
    // Without a code it was not Warren that answered, and a proxy may say 503 of what it had sent on already.
    const promised = code !== undefined && (status === 503 || (status >= 400 && status < 500));
    return { outcome: promised ? 'failed' : 'unknown' };
  }

  #judgeOk(kind: Kind, header: unknown, body: string): Pick<Operation, 'outcome' | 'index'> {
    if (typeof header !== 'string' || !/^(0|[1-9]\d{0,14})$/.test(header)) {
      this.#complain(`${kind}: 200 with Sequence-Index ${JSON.stringify(header)}`);
      return { outcome: 'unknown' };
    }
    const index = Number(header);
    if (index < this.#checkValuesBelow && body !== `{"${kind}": ${this.#oracle.digits(index)}}`) {
      this.#complain(`${kind}: index ${index} with the body ${body.slice(0, 200)}`);
    }
    return { outcome: 'ok', index };
  }

  #count(answer: string): void {
    const name = this.answers.has(answer) || this.answers.size < KEPT_ANSWERS ? answer : 'others';
    this.answers.set(name, (this.answers.get(name) ?? 0) + 1);
  }

  #complain(complaint: string): void {
    if (this.complaints.length < KEPT_COMPLAINTS) this.complaints.push(complaint);
  }
}

function asRequestFailed(error: unknown): RequestFailed {
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
