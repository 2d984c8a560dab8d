/** The names of the keys in Redis: those of a shard, and those that earlier programs have left. */

/** The keys of one shard. They share a hash tag: they are in one slot of a cluster, and one script may use all of them. */
export class RedisKeys {
  /** The fence, a string. */
  readonly fence: string;
  /** A hash: id -> text. Holds the states, and `~size`. */
  readonly actors: string;
  /** A sorted set of equal scores, whose members are `{end}/{version} {text}`. */
  readonly windows: string;
  /** The start of a key; the id of an actor follows. That key holds a hash, idempotency key -> text: the records of the actor. */
  readonly records: string;

  constructor(prefix: string, shard: number) {
    const begin = `${prefix}:{${shard}}`;
    this.fence = `${begin}:fence`;
    this.actors = `${begin}:actors`;
    this.windows = `${begin}:windows`;
    this.records = `${begin}:records:`;
  }
}

/** The hash tag, by which a cluster selects the slot of a key: the text between the first pair of braces, or else the whole key. */
export function tagOf(key: string): string {
  const begin = key.indexOf('{');
  const end = key.indexOf('}', begin);
  return begin >= 0 && end > begin + 1 ? key.slice(begin + 1, end) : key;
}

/** Where an earlier form of Warren kept its only record. It may be in any hash slot, since no script reads it. */
export const FORMER_KEY = 'warren:fibonacci';

/** Where the Go service that the Fibonacci resident replaces kept its current value. It may be in any hash slot. */
export const PREDECESSOR_KEY = 'fibonacci_current';
