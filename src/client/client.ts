/**
 * A client for actors behind HTTP, typed from their definition by `import type` alone:
 *
 *   import type tickets from './tickets.js';
 *   const client = createClient<typeof tickets>('http://localhost:8080');
 *   const { ok, reply, refusal } = await client.tickets('berlin').take({ seats: 2 });
 *
 * A refusal is a value. Everything else that is no reply is thrown: a `ProblemError` where something answered, a `NoAnswerError` where nothing
 * did. What was not consumed, and what has an unknown outcome, is sent again until the deadline; a command takes effect once all the same, since each
 * has an idempotency key. Runs in Node.js and in browsers.
 */
import type { Client } from './client-types.js';
import { Sender } from './sender.js';

export interface ClientOptions {
  /** Sent with every request, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** In the place of the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** For how long a call is tried, in milliseconds. Default 30,000. */
  readonly deadlineMs?: number;
  /** An attempt of which nothing has come for so long is given up, and repeated, in milliseconds. Default 10,000. */
  readonly silenceMs?: number;
}

export interface CallOptions {
  /** Ends the call at once. A command that was sent may take effect all the same. */
  readonly signal?: AbortSignal;
  /** Sent with this request. An `idempotency-key` of yours stands in the place of a random one, so that a later call can repeat this one. */
  readonly headers?: Readonly<Record<string, string>>;
  /** In the place of the client's. */
  readonly deadlineMs?: number;
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
