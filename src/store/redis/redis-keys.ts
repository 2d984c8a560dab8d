/** Keys in Redis: those of a store, and those that others have left behind. */

/** Of one shard. They share a hash tag, so one script may use all of them, and they are in one slot of a cluster. */
export class RedisKeys {
  /** The fence, a string. */
  readonly fence: string;
  /** The states, and what else has one text, a hash: id -> text. */
  readonly actors: string;
  /** A sorted set of equal scores, whose members are `{end}/{version} {text}`. */
  readonly windows: string;
  /** Begins the key of a hash: the records of one actor, idempotency key -> text. Its id follows. */
  readonly records: string;

  constructor(prefix: string, shard: number) {
    const begin = `${prefix}:{${shard}}`;
    this.fence = `${begin}:fence`;
    this.actors = `${begin}:actors`;
    this.windows = `${begin}:windows`;
    this.records = `${begin}:records:`;
  }
}

/** What decides about the slot of a key: what stands between its first pair of braces, or all of it. */
export function tagOf(key: string): string {
  const begin = key.indexOf('{');
  const end = key.indexOf('}', begin);
  return begin >= 0 && end > begin + 1 ? key.slice(begin + 1, end) : key;
}

/** Where an earlier form of Warren kept its only record. Read by a command of its own, so it may lie in any hash slot, as the next one. */
export const FORMER_KEY = 'warren:fibonacci';

/** Where the Go service that the Fibonacci resident replaces kept its current value. */
export const PREDECESSOR_KEY = 'fibonacci_current';
