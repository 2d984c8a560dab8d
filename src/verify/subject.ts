/**
 * What a recorded load asks for, and what an answer says about the counter behind it. The sequence is one such subject; an actor's
 * command that answers with a number that grows by one is another. A subject may be many counters, one for each key.
 */
import { FibonacciOracle } from './fibonacci-oracle.js';
import type { HttpAnswer } from './http-client.js';
import type { SeededRandom } from './seeded-random.js';

export type Kind = 'next' | 'current' | 'previous';

export type Mix = Readonly<Record<Kind, number>>;

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

/** What a 200 says: the index, and what is wrong with the answer. Without an index nothing is known of the operation. */
export interface Shown {
  readonly index?: number;
  readonly complaint?: string;
}

export interface Subject {
  /** Relative weights of what is asked. */
  readonly mix: Mix;
  /** Counters that are independent of each other. */
  readonly keys: number;
  /** What tells where a counter stands. */
  readonly probe: Kind;
  /** @param key from 0 to `keys` - 1. */
  request(kind: Kind, key: number, random: SeededRandom): Asked;
  read(kind: Kind, answer: HttpAnswer): Shown;
}

/** Of at most 15 digits, so that a double holds it. */
const INDEX = /^(0|[1-9]\d{0,14})$/;
const SHOWN_CHARS = 200;

/**
 * `/next`, `/current` and `/previous`; half of the requests are `next` by default.
 *
 * @param checkValuesBelow bodies are compared with independently computed values below this index.
 */
export function sequence(checkValuesBelow = 3_000, mix: Mix = { next: 2, current: 1, previous: 1 }): Subject {
  const oracle = new FibonacciOracle();
  return {
    mix,
    keys: 1,
    probe: 'current',
    request(kind, _key, random) {
      const method = kind === 'next' && random.next() < 0.5 ? 'POST' : 'GET';
      return { method, path: `/${kind}` };
    },
    read(kind, { headers, body }) {
      const header = headers['sequence-index'];
      if (typeof header !== 'string' || !INDEX.test(header)) {
        return { complaint: `${kind}: 200 with Sequence-Index ${JSON.stringify(header)}` };
      }
      const index = Number(header);
      const wrong = index < checkValuesBelow && body !== `{"${kind}": ${oracle.digits(index)}}`;
      return wrong
        ? { index, complaint: `${kind}: index ${index} with the body ${body.slice(0, SHOWN_CHARS)}` }
        : { index };
    },
  };
}

export interface CounterPath {
  readonly path: string;
  /** JSON that is sent with each request. */
  readonly body?: string | undefined;
  /** The member of the reply that is the number; left out: the reply is a number. */
  readonly member?: string | undefined;
}

/** `POST path` takes a number, and nothing else can be asked: where the counter stands is told by taking one more. */
export function counter({ path, body, member }: CounterPath): Subject {
  const asked = { method: 'POST', path, ...(body === undefined ? {} : { body }) };
  return {
    mix: { next: 1, current: 0, previous: 0 },
    keys: 1,
    probe: 'next',
    request: () => asked,
    read: (_, answer) => numberIn(answer.body, member),
  };
}

/** The number that a reply is, or holds as a member. */
export function numberIn(body: string, member?: string): Shown {
  const text = member === undefined ? body.trim() : textOf(body, member);
  if (text !== undefined && INDEX.test(text)) return { index: Number(text) };
  const where = member === undefined ? '' : ` as its member ${JSON.stringify(member)}`;
  return { complaint: `no number${where}: 200 with the body ${body.slice(0, SHOWN_CHARS)}` };
}

function textOf(body: string, member: string): string | undefined {
  try {
    const reply: unknown = JSON.parse(body);
    if (typeof reply !== 'object' || reply === null || !Object.hasOwn(reply, member)) return undefined;
    const value: unknown = Reflect.get(reply, member);
    return typeof value === 'number' ? String(value) : undefined;
  } catch {
    return undefined;
  }
}
