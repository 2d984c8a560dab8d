/**
 * The store on Redis. Runs on the owner thread. All keys of a shard share a hash tag, so one script replaces the fence and makes all changes in
 * one round trip.
 *
 *   {prefix}:{shard}:fence                  string: the fence
 *   {prefix}:{shard}:actors                 hash: actor/key -> stored text; and ~size
 *   {prefix}:{shard}:records:{actor}/{key}  hash: idempotency key -> text of the record
 *   {prefix}:{shard}:windows                sorted set: {end}/{version} {text}, all with the same score, so Redis sorts them by their bytes
 */
import { WarrenError } from '../../errors.js';
import type { ActorStore, Change, CommitOutcome, Loaded, Part, Scanned, Store } from '../contract.js';
import type { NodeRegistry } from '../node-registry.js';
import { decodeFence, encodeFence, type ShardFence } from '../shard-fence.js';
import { isState, WINDOWS } from '../store-ids.js';
import { Connections } from './connections.js';
import { KeyList, NO_HASH } from './key-list.js';
import type { Client, CommandInfo } from './redis-connection.js';
import { partsOf } from './redis-image.js';
import { FORMER_KEY, PREDECESSOR_KEY, RedisKeys } from './redis-keys.js';
import { RedisNodeRegistry } from './redis-node-registry.js';
import type { RedisPlace } from './redis-place.js';
import { COMMIT_GROUP, LOAD_ACTORS } from './scripts.js';
import { SelfTest, type SelfTestOptions } from './self-test.js';

interface Writes {
  /** Field, text, field, text, … */
  readonly puts: string[];
  readonly deletes: string[];
}

const NO_WRITES: Writes = { puts: [], deletes: [] };

/** All shards of a store, on the same connections. */
export class RedisStore implements Store {
  readonly #connections: Connections;
  readonly #prefix: string;
  readonly #selfTest: SelfTest | undefined;
  readonly registry: NodeRegistry;

  /**
   * @param timeoutMs bound on connecting and on every command, in milliseconds.
   * @param selfTest test of Redis before the first use; undefined for none.
   */
  constructor(place: RedisPlace, timeoutMs: number, selfTest?: SelfTestOptions) {
    const { prefix } = place;
    this.#connections = new Connections(place, timeoutMs);
    this.#prefix = prefix;
    this.registry = new RedisNodeRegistry(this.#connections, prefix);
    // The keys begin as those of a shard do, so that the user's rights to keys cover them.
    const testStoreOf = (name: string) =>
      new RedisActorStore(this.#connections, `${prefix}:{0}:${name}`, timeoutMs);
    this.#selfTest = selfTest && new SelfTest(selfTest, this.#connections, testStoreOf);
  }

  /** Makes a new object with each call, since each one gives up only its own commands. */
  shard(at: number): ActorStore {
    return new RedisActorStore(this.#connections, this.#prefix, 0, this.#selfTest, at);
  }

  async close(): Promise<void> {
    this.#connections.drop();
  }
}

export class RedisActorStore implements ActorStore {
  readonly shared = true;
  readonly #keys: RedisKeys;
  readonly #connections: Connections;
  readonly #selfTest: SelfTest | undefined;
  readonly #isAlone: boolean;
  /** Commands of this object without an outcome. Their caller may have stopped waiting. */
  #unsettled = 0;

  /**
   * @param connections a `redis://` address, or connections that other shards use too.
   * @param prefix how the keys begin.
   * @param timeoutMs bound on connecting and on every command, in milliseconds.
   * @param selfTest test of Redis before the first use; undefined for none.
   */
  constructor(
    connections: string | Connections,
    prefix: string,
    timeoutMs: number,
    selfTest?: SelfTest,
    shard = 0,
  ) {
    this.#isAlone = typeof connections === 'string';
    this.#connections =
      typeof connections === 'string'
        ? new Connections({ url: connections, prefix }, timeoutMs)
        : connections;
    this.#keys = new RedisKeys(prefix, shard);
    this.#selfTest = selfTest;
  }

  /** The key of the fence. */
  get fenceKey(): string {
    return this.#keys.fence;
  }

  get awaitsReplicas(): boolean {
    return this.#connections.awaitsReplicas;
  }

  get connection(): number {
    return this.#connections.countOf(this.#keys.fence);
  }

  async fence(): Promise<ShardFence | undefined> {
    // The owner calls this again only after it has given up its earlier commands.
    if (this.#unsettled > 0) this.#connections.dropUnsettled(this.#keys.fence);
    // The fence is used only when the test has passed.
    const [text] = await Promise.all([this.#get(this.#keys.fence), this.#selfTest?.run()]);
    return text === undefined ? undefined : decodeFence(text);
  }

  async load(ids: readonly string[], limitBytes: number): Promise<Loaded> {
    const list = new KeyList(this.#keys);
    const fields = ids.map((id) => {
      if (isState(id)) return id;
      const { hash, field } = list.place(id);
      return `~${hash} ${field}`;
    });
    const { keys } = list;
    const [fence, texts] = await this.#run(this.#info(LOAD_ACTORS.commands), (client) =>
      client.loadActors(keys.length, ...keys, `${limitBytes}`, ...fields),
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
    const list = new KeyList(this.#keys);
    /** By the number of the hash; the windows have number 0. */
    const writes: Writes[] = [];
    for (const { id, text } of changes) {
      const { hash, field } = list.place(id);
      writes[hash] ??= { puts: [], deletes: [] };
      if (text === undefined) writes[hash].deletes.push(field);
      else writes[hash].puts.push(field, text);
    }
    const { keys } = list;
    const windows = writes[NO_HASH] ?? NO_WRITES;
    const hashes = Array.from({ length: list.hashes }, (_, at) => writes[at + 1] ?? NO_WRITES);
    const numbers = [windows, ...hashes].flatMap(({ puts, deletes }) => [puts.length / 2, deletes.length]);
    const written = [...hashes, windows].flatMap(({ puts, deletes }) => [...puts, ...deletes]);
    const known = expected ? encodeFence(expected) : '';
    const text = encodeFence(next);
    return this.#settled(
      this.#connections.commit(this.#info(COMMIT_GROUP.commands), (client) =>
        client.commitGroup(keys.length, ...keys, known, text, list.hashes, ...numbers, ...written),
      ),
    );
  }

  async scan(prefix: string, after: string | undefined, limit: number): Promise<Scanned> {
    return prefix.startsWith(WINDOWS)
      ? this.#scanWindows(prefix.slice(WINDOWS.length), after, limit)
      : this.#scanStates(prefix, after, limit);
  }

  async *image(): AsyncGenerator<Part> {
    const fence = await this.#readFence();
    yield { fence, entries: [] };
    const source = {
      keys: this.#keys,
      run: this.#run.bind(this),
      scanWindows: (after: string | undefined, limit: number) => this.#scanWindows('', after, limit),
      version: async () => (await this.#readFence())?.version ?? 0,
    };
    for await (const entries of partsOf(source)) yield { fence, entries };
  }

  async predecessor(): Promise<string | undefined> {
    await this.#refuseFormerRecord();
    return this.#get(PREDECESSOR_KEY);
  }

  async close(): Promise<void> {
    if (this.#isAlone) this.#connections.drop();
  }

  #run<T>(info: CommandInfo, send: (client: Client) => Promise<T>): Promise<T> {
    return this.#settled(this.#connections.run(info, send));
  }

  async #settled<T>(call: Promise<T>): Promise<T> {
    this.#unsettled += 1;
    try {
      return await call;
    } finally {
      this.#unsettled -= 1;
    }
  }

  async #readFence(): Promise<ShardFence | undefined> {
    const text = await this.#get(this.#keys.fence);
    return text === undefined ? undefined : decodeFence(text);
  }

  async #scanWindows(begin: string, after: string | undefined, limit: number): Promise<Scanned> {
    const { windows } = this.#keys;
    const from = after === undefined ? `[${begin}` : `(${after.slice(WINDOWS.length)}!`;
    const members = await this.#run({ commands: 'ZRANGEBYLEX', keys: [windows] }, (client) =>
      client.zrangebylex(windows, from, '+', 'LIMIT', 0, limit),
    );
    const entries = members
      .filter((member) => member.startsWith(begin))
      .map((member) => {
        const blank = member.indexOf(' ');
        return { id: WINDOWS + member.slice(0, blank), text: member.slice(blank + 1) };
      });
    return { entries, next: entries.length < limit ? undefined : entries.at(-1)?.id };
  }

  /** HSCAN lists a hash in an order of its own, and returns a cursor: where the next part begins. */
  async #scanStates(prefix: string, after = '0', limit: number): Promise<Scanned> {
    const { actors } = this.#keys;
    const pattern = `${prefix.replace(/[*?[\]\\^]/g, '\\$&')}*`;
    const [next, fields] = await this.#run({ commands: 'HSCAN', keys: [actors] }, (client) =>
      client.hscan(actors, after, 'MATCH', pattern, 'COUNT', limit),
    );
    const entries = [];
    for (let at = 0; at < fields.length; at += 2) {
      const [id = '', text = ''] = fields.slice(at, at + 2);
      if (isState(id)) entries.push({ id, text });
    }
    return { entries, next: next === '0' ? undefined : next };
  }

  #info(commands: string): CommandInfo {
    return { commands, keys: [this.#keys.fence, this.#keys.actors] };
  }

  async #get(key: string): Promise<string | undefined> {
    return (await this.#run({ commands: 'GET', keys: [key] }, (client) => client.get(key))) ?? undefined;
  }

  /** @throws WarrenError `predecessor-invalid` when an earlier form of Warren has left a record, which a fresh start would ignore. */
  async #refuseFormerRecord(): Promise<void> {
    const text = await this.#get(FORMER_KEY).catch((error) => {
      // The user may not read the key, or the key holds another type: it is not Warren's record.
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
}
