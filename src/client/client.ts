/**
 * A client for actors behind HTTP, typed from their definition by `import type` alone:
 *
 *   import type tickets from './tickets.js';
 *   const client = createClient<typeof tickets>('http://localhost:8080');
 *   const { ok, reply, refusal } = await client.tickets('berlin').take({ seats: 2 });
 *
 * A refusal is a value. Everything else that is no reply is thrown: a `ProblemError` where something answered, a `NoAnswerError` where nothing
 * did. A request that was not consumed, or whose outcome is unknown, is sent again until the deadline. A command has an idempotency key, so it
 * takes effect once all the same. Runs in Node.js and in browsers.
 */
import type { Client } from './client-types.js';
import { Sender } from './sender.js';

/** What `createClient` takes. */
export interface ClientOptions {
  /** Headers of every request, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Used instead of the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** How long a call is tried, in milliseconds. Default 30,000. */
  readonly deadlineMs?: number;
  /** An attempt that has brought no byte for this many milliseconds is given up and repeated. Default 10,000. */
  readonly silenceMs?: number;
}

/** What a call takes behind its input. */
export interface CallOptions {
  /** Ends the call at once. A command that was sent may still take effect. */
  readonly signal?: AbortSignal;
  /** Headers of this call. An `idempotency-key` here replaces the random one, so that a later call can repeat this one. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Replaces the client's `deadlineMs` for this call. */
  readonly deadlineMs?: number;
}

/**
 * Makes a client: `client.ACTOR(KEY).MESSAGE(INPUT, OPTIONS)` sends a message and resolves to an `Answer`.
 *
 * A call of a command takes effect once, however often it is repeated. A call rejects with a `ProblemError` when the last answer was a
 * problem, with a `NoAnswerError` when no answer came before the deadline, and with a `TypeError` for a key that no request can carry.
 *
 * @typeParam Actors `typeof` one actor, or of an array or a tuple of actors.
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
