/**
 * The store for operators who already run Redis. Lives on the owner thread; one string key holds the checkpoint,
 * and one Lua script swaps it, so a commit is one round trip.
 *
 * A connection that cannot serve any longer is dropped, and the next call opens a new one: the address may lead to another
 * server by then, as after a fail-over.
 */
import { WarrenError } from '../../errors.js';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '../checkpoint.js';
import type { CommitOutcome, Store } from '../store.js';
import { type Client, RedisConnection, type Request } from './redis-connection.js';
import { DEFAULT_KEY, FORMER_DEFAULT_KEY, PREDECESSOR_KEY } from './redis-keys.js';
import { parseRedisUrl, type RedisAddress } from './redis-url.js';
import { SWAP } from './scripts.js';

export interface RedisLocation {
  /** `redis://` or `rediss://`, with credentials as needed. */
  readonly url: string;
  /** Key of the record. */
  readonly key: string;
  readonly leaseMs: number;
  /** Bound on connecting and on every command, in milliseconds. */
  readonly timeoutMs: number;
}

export class RedisStore implements Store {
  readonly leaseMs: number;
  readonly #actor: string;
  readonly #location: RedisLocation;
  readonly #address: RedisAddress;
  #connection: RedisConnection | undefined;
  #unsettled = 0;

  constructor(actor: string, location: RedisLocation) {
    const address = parseRedisUrl(location.url);
    // The configuration has checked it.
    if (!address) throw new Error('bad address of a Redis store');
    this.#actor = actor;
    this.#location = location;
    this.#address = address;
    this.leaseMs = location.leaseMs;
  }

  async load(): Promise<Checkpoint | undefined> {
    // The caller gave up on an earlier command: whatever still waits behind it on that connection would hang too.
    if (this.#unsettled > 0) this.#drop();
    const text = await this.#get(this.#location.key);
    return text === undefined ? undefined : decodeCheckpoint(this.#actor, text);
  }

  async commit(expected: Checkpoint | undefined, next: Checkpoint): Promise<CommitOutcome> {
    const known = expected ? encodeCheckpoint(this.#actor, expected) : '';
    const text = encodeCheckpoint(this.#actor, next);
    const { key } = this.#location;
    return this.#ask({ commands: SWAP.commands, keys: [key] }, (client) =>
      client.swapCheckpoint(key, known, text),
    );
  }

  async predecessor(): Promise<string | undefined> {
    if (this.#location.key === DEFAULT_KEY) await this.#refuseFormerDefault();
    return this.#get(PREDECESSOR_KEY);
  }

  async close(): Promise<void> {
    this.#drop();
  }

  async #get(key: string): Promise<string | undefined> {
    return (await this.#ask({ commands: 'GET', keys: [key] }, (client) => client.get(key))) ?? undefined;
  }

  /** @throws WarrenError `predecessor-invalid` when a record is found that a start with today's default would pass over. */
  async #refuseFormerDefault(): Promise<void> {
    const text = await this.#get(FORMER_DEFAULT_KEY).catch((error) => {
      // A user who may not read the key, or a key of another program: none of it is a record of ours.
      if (error instanceof WarrenError && error.code === 'store-denied') return undefined;
      throw error;
    });
    if (text === undefined) return;
    throw new WarrenError(
      'predecessor-invalid',
      `the key "${FORMER_DEFAULT_KEY}", once the default of REDIS_KEY, holds a record, and "${DEFAULT_KEY}" holds none. To go on from ` +
        `it, set REDIS_KEY=${FORMER_DEFAULT_KEY}; to start a fresh sequence, delete or rename that key.`,
    );
  }

  async #ask<T>(request: Request, send: (client: Client) => Promise<T>): Promise<T> {
    this.#unsettled += 1;
    if (!this.#connection || this.#connection.dropped) {
      this.#connection = new RedisConnection(this.#address, this.#location.timeoutMs);
    }
    try {
      return await this.#connection.ask(request, send);
    } finally {
      this.#unsettled -= 1;
    }
  }

  #drop(): void {
    this.#connection?.drop();
    this.#connection = undefined;
  }
}
