/**
 * Sends messages to actors and turns HTTP answers into values or errors. All attempts of one call of a command have the same idempotency key.
 *
 * The client has no definition of the actor at run time, so it sends each message as a command (POST) first. A query answers 405 without a turn. The client then
 * sends GET, and remembers that for this message.
 */
import { REFUSAL_TYPE } from '../runtime/refusal-body.js';
import type { HttpRequest, Received } from './attempt.js';
import type { CallOptions, ClientOptions } from './client.js';
import { parseExact } from './exact-json.js';
import { IDEMPOTENCY_KEY, newIdempotencyKey } from './idempotency-key.js';
import { Persistence } from './persistence.js';
import { ProblemError, problemOf } from './problem-error.js';
import { searchOf } from './search.js';

const DEADLINE_MS = 30_000;
const SILENCE_MS = 10_000;

const METHOD_NOT_ALLOWED = 405;
const NO_CONTENT = 204;
/** Failures of a server that is well: of an actor, or of one request. */
const WITHOUT_EFFECT = new Set(['behavior-failed', 'state-unreadable', 'poisoned']);

export class Sender {
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #fetch: typeof fetch;
  readonly #deadlineMs: number;
  readonly #silenceMs: number;
  /** Messages that have turned out to be queries, as "actor/message". */
  readonly #queries = new Set<string>();

  constructor(base: string, options: ClientOptions) {
    const { headers = {}, fetch: given = fetch, deadlineMs = DEADLINE_MS, silenceMs = SILENCE_MS } = options;
    this.#base = base;
    this.#headers = headers;
    // A browser's fetch throws when it is called as a method of another object.
    this.#fetch = (...args) => given(...args);
    this.#deadlineMs = checked(deadlineMs, 'deadlineMs');
    this.#silenceMs = checked(silenceMs, 'silenceMs');
  }

  async send(
    actor: string,
    message: string,
    path: string,
    input: unknown,
    { signal, headers = {}, deadlineMs = this.#deadlineMs }: CallOptions,
  ): Promise<unknown> {
    const name = `${actor}/${message}`;
    const isQuery = this.#queries.has(name);
    const persistence = new Persistence({
      fetch: this.#fetch,
      deadlineMs: checked(deadlineMs, 'deadlineMs'),
      silenceMs: this.#silenceMs,
      signal,
      effects: !isQuery,
    });
    if (!isQuery) {
      const received = await persistence.send(this.#command(path, input, headers));
      if (!asksForGet(received.response)) return answerOf(received, true);
      this.#queries.add(name);
      persistence.hasNoEffects();
    }
    return answerOf(await persistence.send(this.#query(path, input, headers)), false);
  }

  #command(path: string, input: unknown, headers: Readonly<Record<string, string>>): HttpRequest {
    const sent = this.#headersWith(headers);
    if (!sent.has(IDEMPOTENCY_KEY)) sent.set(IDEMPOTENCY_KEY, newIdempotencyKey());
    const init = { method: 'POST', headers: sent };
    if (input === undefined) return { url: this.#base + path, init };
    if (!sent.has('content-type')) sent.set('content-type', 'application/json');
    return { url: this.#base + path, init: { ...init, body: JSON.stringify(input) } };
  }

  #query(path: string, input: unknown, headers: Readonly<Record<string, string>>): HttpRequest {
    const sent = this.#headersWith(headers);
    // An idempotency key belongs to commands.
    sent.delete(IDEMPOTENCY_KEY);
    const search = searchOf(input);
    return { url: `${this.#base}${path}${search && `?${search}`}`, init: { headers: sent } };
  }

  #headersWith(headers: Readonly<Record<string, string>>): Headers {
    const sent = new Headers(this.#headers);
    for (const [name, value] of Object.entries(headers)) sent.set(name, value);
    return sent;
  }
}

function checked(ms: number, name: string): number {
  if (!(ms > 0)) throw new RangeError(`${name} is a time in milliseconds, above 0; this one is ${ms}`);
  return ms;
}

function asksForGet({ status, headers }: Response): boolean {
  return status === METHOD_NOT_ALLOWED && /\bGET\b/.test(headers.get('allow') ?? '');
}

/** @throws ProblemError */
function answerOf({ response, text }: Received, isCommand: boolean): unknown {
  const { status, headers, ok } = response;
  const receipt = {
    commit: headers.get('commit') ?? undefined,
    replayed: headers.get('idempotency-replayed') === 'true',
  };
  if (ok) {
    const isEmpty = status === NO_CONTENT || text === '';
    return { ok, reply: isEmpty ? undefined : parseExact(text), ...receipt };
  }
  const problem = problemOf(text);
  const { type, code, details } = problem;
  if (type !== REFUSAL_TYPE) {
    const isUnknown = isCommand && status >= 500 && !WITHOUT_EFFECT.has(String(code));
    throw new ProblemError(response, problem, isUnknown);
  }
  return { ok, refusal: { code, status, details }, ...receipt };
}
