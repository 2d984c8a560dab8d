/**
 * The store for operators who already run Redis. On the owner thread. The fence is a string, the states are one hash; both keys share a
 * hash tag, so one script replaces the fence and makes all changes in one round trip.
 *
 *   {prefix}:{0}:fence     the fence
 *   {prefix}:{0}:actors    actor/key -> stored text
 */
import { WarrenError } from '../../errors.js';
import type { ActorStore, Change, CommitOutcome, Loaded } from '../contract.js';
import { decodeFence, encodeFence, type ShardFence } from '../shard-fence.js';
import { type Client, RedisConnection, type Request } from './redis-connection.js';
import { FORMER_KEY, PREDECESSOR_KEY } from './redis-keys.js';
import { parseRedisUrl, type RedisAddress } from './redis-url.js';
import { COMMIT_GROUP, LOAD_ACTORS } from './scripts.js';

export class RedisActorStore implements ActorStore {
  readonly shared = true;
  readonly #address: RedisAddress;
  readonly #fenceKey: string;
  readonly #actorsKey: string;
  readonly #timeoutMs: number;
  #connection: RedisConnection | undefined;
  #connections = 0;
  #unsettled = 0;

  /**
   * @param prefix how the keys begin.
   * @param timeoutMs bound on connecting and on every command, in milliseconds.
   */
  constructor(url: string, prefix: string, timeoutMs: number) {
    const address = parseRedisUrl(url);
    // The configuration has checked it.
    if (!address) throw new Error('bad address of a Redis store');
    this.#address = address;
    this.#fenceKey = `${prefix}:{0}:fence`;
    this.#actorsKey = `${prefix}:{0}:actors`;
    this.#timeoutMs = timeoutMs;
  }

  get connection(): number {
    return this.#connections;
  }

  async fence(): Promise<ShardFence | undefined> {
    // The caller gave up on an earlier command: whatever still waits behind it on that connection would hang too.
    if (this.#unsettled > 0) this.#drop();
    const text = await this.#get(this.#fenceKey);
    return text === undefined ? undefined : decodeFence(text);
  }

  async load(ids: readonly string[], limitBytes: number): Promise<Loaded> {
    const keys = [this.#fenceKey, this.#actorsKey];
    const request = { commands: LOAD_ACTORS.commands, keys };
    const [fence, texts] = await this.#ask(request, (client) =>
      client.loadActors(...keys, `${limitBytes}`, ...ids),
    );
    return {
      fence: fence === null ? undefined : decodeFence(fence),
      texts: texts.map((text) => text ?? undefined),
    };
  }

  async commit(
    expected: ShardFence | undefined,
    next: ShardFence,
    changes: readonly Change[],
  ): Promise<CommitOutcome> {
    const puts: string[] = [];
    const deletes: string[] = [];
    for (const { id, text } of changes) {
      if (text === undefined) deletes.push(id);
      else puts.push(id, text);
    }
    const keys = [this.#fenceKey, this.#actorsKey];
    const known = expected ? encodeFence(expected) : '';
    const text = encodeFence(next);
    return this.#ask({ commands: COMMIT_GROUP.commands, keys }, (client) =>
      client.commitGroup(...keys, known, text, puts.length / 2, ...puts, ...deletes),
    );
  }

  async predecessor(): Promise<string | undefined> {
    await this.#refuseFormerRecord();
    return this.#get(PREDECESSOR_KEY);
  }

  async close(): Promise<void> {
    this.#drop();
  }

  async #get(key: string): Promise<string | undefined> {
    return (await this.#ask({ commands: 'GET', keys: [key] }, (client) => client.get(key))) ?? undefined;
  }

  /** @throws WarrenError `predecessor-invalid` when it finds a record that a fresh start would pass over. */
  async #refuseFormerRecord(): Promise<void> {
    const text = await this.#get(FORMER_KEY).catch((error) => {
      // A user who may not read the key, or a key of another program: none of it is a record of ours.
      if (error instanceof WarrenError && error.code === 'store-denied') return undefined;
      throw error;
    });
    if (text === undefined) return;
    throw new WarrenError(
      'predecessor-invalid',
      `the key "${FORMER_KEY}" holds a record of an earlier form of Warren, which this one does not read. To start a fresh sequence, ` +
        'delete or rename that key; to start elsewhere, also set INITIAL_INDEX.',
    );
  }

  async #ask<T>(request: Request, send: (client: Client) => Promise<T>): Promise<T> {
    this.#unsettled += 1;
    if (!this.#connection || this.#connection.dropped) {
      this.#connection = new RedisConnection(this.#address, this.#timeoutMs);
      this.#connections += 1;
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
