/**
 * A client for actors behind HTTP, typed from their definition by `import type` alone:
 *
 *   import type tickets from './tickets.js';
 *   const client = createClient<typeof tickets>('http://localhost:8080');
 *   const { ok, reply, refusal } = await client.tickets('berlin').take({ seats: 2 });
 *
 * A refusal is a value. Everything else that is no reply is thrown: a `ProblemError` where Warren answered, what `fetch` throws where
 * nothing did. Nothing is sent twice, with one exception: the client has no definition at run time, so it learns from a 405, with which no
 * turn is taken, that a message is a query, and asks for it by GET from then on. Runs in Node.js and in browsers.
 */
import { REFUSAL_TYPE } from '../runtime/refusal-body.js';
import type { Client } from './client-types.js';
import { parseExact } from './exact-json.js';
import { ProblemError } from './problem-error.js';
import { searchOf } from './search.js';

export interface ClientOptions {
  /** Sent with every request, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** In the place of the global `fetch`. */
  readonly fetch?: typeof fetch;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Sent with this request, such as `idempotency-key`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * @typeParam Actors `typeof` of one actor, or of an array or a tuple of actors.
 * @param url where Warren answers, with or without a path before that of the actors.
 */
export function createClient<Actors>(url: string | URL, options: ClientOptions = {}): Client<Actors> {
  const sender = new Sender(String(url).replace(/\/+$/, ''), options);
  return members((actor) => (key: string) => {
    const path = `/${encodeURIComponent(actor)}/${keySegment(key)}`;
    return members((message) => (input?: unknown, call: CallOptions = {}) => {
      return sender.send(actor, message, `${path}/${encodeURIComponent(message)}`, input, call);
    });
  }) as Client<Actors>;
}

/** An object that has every member. Without `then`, or `await` would take it for a promise. */
function members(make: (name: string) => unknown): object {
  return new Proxy(
    {},
    { get: (_, name) => (typeof name === 'symbol' || name === 'then' ? undefined : make(name)) },
  );
}

/** @throws TypeError for a key that no request can carry. */
function keySegment(key: unknown): string {
  if (typeof key !== 'string') throw new TypeError('a key is a string');
  const bytes = new TextEncoder().encode(key).length;
  if (bytes < 1 || bytes > 256)
    throw new TypeError(`a key has 1 to 256 bytes of UTF-8; this one has ${bytes}`);
  if (key === '.' || key === '..') throw new TypeError(`no request can carry the key ${JSON.stringify(key)}`);
  try {
    return encodeURIComponent(key);
  } catch {
    throw new TypeError('a key is well-formed text; this one has half of a surrogate pair');
  }
}

const METHOD_NOT_ALLOWED = 405;
const NO_CONTENT = 204;

class Sender {
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #fetch: typeof fetch;
  /** Messages that have turned out to be queries, as "actor/message". */
  readonly #queries = new Set<string>();

  constructor(base: string, { headers = {}, fetch: given = fetch }: ClientOptions) {
    this.#base = base;
    this.#headers = headers;
    // Called as a method of something else, a browser's fetch throws.
    this.#fetch = (...args) => given(...args);
  }

  async send(
    actor: string,
    message: string,
    path: string,
    input: unknown,
    call: CallOptions,
  ): Promise<unknown> {
    const name = `${actor}/${message}`;
    if (this.#queries.has(name)) return answerOf(await this.#get(path, input, call));
    const response = await this.#post(path, input, call);
    if (response.status !== METHOD_NOT_ALLOWED || !/\bGET\b/.test(response.headers.get('allow') ?? '')) {
      return answerOf(response);
    }
    await response.body?.cancel();
    this.#queries.add(name);
    return answerOf(await this.#get(path, input, call));
  }

  #post(path: string, input: unknown, { signal, headers }: CallOptions): Promise<Response> {
    const sent = { ...this.#headers, ...headers };
    const common = { method: 'POST', ...(signal && { signal }) };
    if (input === undefined) return this.#fetch(this.#base + path, { ...common, headers: sent });
    return this.#fetch(this.#base + path, {
      ...common,
      headers: { 'content-type': 'application/json', ...sent },
      body: JSON.stringify(input),
    });
  }

  #get(path: string, input: unknown, { signal, headers }: CallOptions): Promise<Response> {
    const search = searchOf(input);
    return this.#fetch(`${this.#base}${path}${search && `?${search}`}`, {
      headers: { ...this.#headers, ...headers },
      ...(signal && { signal }),
    });
  }
}

/** @throws ProblemError */
async function answerOf(response: Response): Promise<unknown> {
  const text = await response.text();
  if (response.ok) {
    const isEmpty = response.status === NO_CONTENT || text === '';
    return { ok: true, reply: isEmpty ? undefined : parseExact(text) };
  }
  const problem = problemOf(text);
  if (problem['type'] !== REFUSAL_TYPE) throw new ProblemError(response, problem);
  const { code, details } = problem;
  return { ok: false, refusal: { code, status: response.status, details } };
}

/** What stands between the client and Warren may answer in its own words. */
function problemOf(text: string): Record<string, unknown> {
  try {
    const problem = parseExact(text);
    return typeof problem === 'object' && problem !== null ? { ...problem } : {};
  } catch {
    return {};
  }
}
