/**
 * The store for operators who already run Redis. Lives on the owner thread; one string key holds the checkpoint,
 * and one Lua script swaps it together with the lease, so a commit is one round trip.
 *
 * Reconnecting is not left to the client library: an answer that did not come means that the command may still be
 * on its way, so the connection is dropped, nothing is sent again, and the next `load` opens a new one.
 */
import { Redis } from 'ioredis';
import { messageOf, WarrenError } from '../errors.js';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint.js';
import type { CommitOutcome, Store } from './store.js';

/**
 * KEYS: record, lease. ARGV: the text that must be stored now ('' for none), its successor, the instance, the lease in
 * milliseconds. A key that holds an empty text is somebody's, and not the same as none. The lease is written first: if memory
 * runs out between the two writes, no commit has happened.
 */
const SWAP = `
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[3] then return 'held' end
local stored = redis.call('GET', KEYS[1])
if stored == '' or (stored or '') ~= ARGV[1] then return 'changed' end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
redis.call('SET', KEYS[1], ARGV[2])
return 'swapped'
`;

/** KEYS: lease. ARGV: the instance. */
const RELEASE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 'OK'
`;

/** Where the Go service that Warren replaces kept its current value. */
const PREDECESSOR_KEY = 'fibonacci_current';

export interface RedisLocation {
  /** `redis://` or `rediss://`, with credentials as needed. */
  readonly url: string;
  /** Key of the record; the lease stands beside it, at `key` + `:lease`. */
  readonly key: string;
  /** Who we are to other instances. One that comes back after a crash takes its own lease again at once. */
  readonly instance: string;
  readonly leaseMs: number;
  /** Bound on connecting and on every command, in milliseconds. */
  readonly timeoutMs: number;
}

interface Scripts {
  swapCheckpoint(
    key: string,
    leaseKey: string,
    expected: string,
    next: string,
    instance: string,
    leaseMs: number,
  ): Promise<CommitOutcome>;
  releaseLease(leaseKey: string, instance: string): Promise<string>;
}

type Client = Redis & Scripts;

export class RedisStore implements Store {
  readonly leaseMs: number;
  readonly #actor: string;
  readonly #location: RedisLocation;
  /** Set as soon as it begins to connect, so that it can be dropped at any time. */
  #client: Client | undefined;
  #unsettled = 0;

  constructor(actor: string, location: RedisLocation) {
    this.#actor = actor;
    this.#location = location;
    this.leaseMs = location.leaseMs;
  }

  async load(): Promise<Checkpoint | undefined> {
    // The caller gave up on an earlier command: whatever still waits behind it on that connection would hang too.
    if (this.#unsettled > 0) this.#drop();
    const text = await this.#ask(this.#location.key, (redis, key) => redis.get(key));
    return text === null ? undefined : decodeCheckpoint(this.#actor, text);
  }

  async commit(expected: Checkpoint | undefined, next: Checkpoint): Promise<CommitOutcome> {
    const known = expected ? encodeCheckpoint(this.#actor, expected) : '';
    const text = encodeCheckpoint(this.#actor, next);
    const { instance, leaseMs } = this.#location;
    return this.#ask(this.#location.key, (redis, key) =>
      redis.swapCheckpoint(key, this.#leaseKey, known, text, instance, leaseMs),
    );
  }

  async predecessor(): Promise<string | undefined> {
    return (await this.#ask(PREDECESSOR_KEY, (redis, key) => redis.get(key))) ?? undefined;
  }

  async close(): Promise<void> {
    const { instance } = this.#location;
    // Without an answer the lease ends by itself a little later.
    if (this.#client) {
      await this.#ask(this.#leaseKey, (redis, key) => redis.releaseLease(key, instance)).catch(() => {});
    }
    this.#drop();
  }

  get #leaseKey(): string {
    return `${this.#location.key}:lease`;
  }

  async #ask<T>(key: string, command: (redis: Client, key: string) => Promise<T>): Promise<T> {
    this.#unsettled += 1;
    let redis = this.#client;
    try {
      if (!redis) {
        redis = this.#create();
        this.#client = redis;
        await connect(redis);
      }
      return await command(redis, key);
    } catch (cause) {
      const why = messageOf(cause);
      // A reply, even a refusal such as MISCONF or OOM, proves the connection; anything else casts doubt on it.
      const refused = cause instanceof Error && cause.name === 'ReplyError';
      if (!refused) this.#drop(redis);
      if (cause instanceof WarrenError) throw cause;
      if (refused && why.startsWith('WRONGTYPE')) {
        throw new WarrenError('store-foreign', `the Redis key "${key}" holds no string`, { cause });
      }
      throw new WarrenError(refused ? 'store-refused' : 'store-unreachable', `Redis: ${why}`, { cause });
    } finally {
      this.#unsettled -= 1;
    }
  }

  #create(): Client {
    const { timeoutMs } = this.#location;
    return new Redis(this.#location.url, {
      lazyConnect: true,
      connectTimeout: timeoutMs,
      commandTimeout: timeoutMs,
      // Nothing more is wanted of a connection that was dropped.
      disconnectTimeout: Math.min(timeoutMs, 100),
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      reconnectOnError: () => false,
      scripts: {
        swapCheckpoint: { lua: SWAP, numberOfKeys: 2 },
        releaseLease: { lua: RELEASE, numberOfKeys: 1 },
      },
    }) as Client;
  }

  /** Only this one: a call that fails late must not take the connection of its successor. */
  #drop(redis = this.#client): void {
    redis?.disconnect();
    if (redis === this.#client) this.#client = undefined;
  }
}

/** @throws WarrenError `store-refused`: nothing has been asked of the store yet. */
async function connect(redis: Client): Promise<void> {
  // The client goes on in database 0 when the one asked for cannot be selected, and only reports it here.
  let refusal: Error | undefined;
  // What a connection breaks of, such as a certificate that nobody vouches for; the client then only says that it is closed.
  let breach: Error | undefined;
  redis.on('error', (error: Error) => {
    if (error.name === 'ReplyError') refusal ??= error;
    else breach ??= error;
  });
  try {
    await redis.connect();
    if (refusal) throw refusal;
  } catch (cause) {
    const why = messageOf(refusal ?? breach ?? cause);
    // Without the cause: a refused login carries the command, and with it the password.
    throw new WarrenError('store-refused', `Redis cannot be reached: ${why}`);
  }
}
