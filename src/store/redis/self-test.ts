/**
 * Tests at the start that Redis compares and sets: a commit that expects the wrong fence must change nothing, and one that expects the right
 * fence must replace it. All guarantees of Warren depend on this, and some servers with Redis' protocol, proxies and modes of replication fail
 * it. Runs on the owner thread, once per process, with the first connection.
 *
 * The test runs the scripts of the store, on keys of its own that expire. It also sends INFO, and warns of settings with which Redis loses
 * confirmed commits. A user without the right to INFO gets no warnings.
 */
import { randomBytes } from 'node:crypto';
import { messageOf, WarrenError } from '../../errors.js';
import type { ActorStore } from '../contract.js';
import { encodeFence, type ShardFence } from '../shard-fence.js';
import type { Connections } from './connections.js';

/** What a passed test has found. */
export interface Findings {
  /** Sentences, one per setting. */
  readonly warnings: readonly string[];
  /** Why Redis refused INFO; undefined when it did not. */
  readonly unseen: string | undefined;
}

export interface SelfTestOptions {
  /** Shared by the owner threads of a process: 1 when the test has passed. */
  readonly held: Int32Array;
  readonly onHeld: (findings: Findings) => void;
}

type TestStore = Pick<ActorStore, 'load' | 'commit'> & { readonly fenceKey: string };

/** When the keys of the test expire. */
const EXPIRY_MS = 60_000;
/** A fail-over during a test looks like a failed test, so it is tried again. */
const TRIES = 2;
const ID = 'self-test/';

export class SelfTest {
  readonly #options: SelfTestOptions;
  readonly #connections: Connections;
  readonly #testStoreOf: (name: string) => TestStore;
  #running: Promise<void> | undefined;

  /** @param testStoreOf makes a store with keys of its own, on the same connections. */
  constructor(options: SelfTestOptions, connections: Connections, testStoreOf: (name: string) => TestStore) {
    this.#options = options;
    this.#connections = connections;
    this.#testStoreOf = testStoreOf;
  }

  /**
   * Does nothing once the test has passed. Shards that start together wait for the same test.
   *
   * @throws WarrenError `store-unsafe` when the test fails; as `ActorStore.commit` when it cannot be completed.
   */
  async run(): Promise<void> {
    if (Atomics.load(this.#options.held, 0) === 1) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  async #run(): Promise<void> {
    const { held, onHeld } = this.#options;
    for (let tries = 1; ; tries++) {
      const [fault, findings] = await this.#try();
      if (fault === undefined) {
        if (Atomics.exchange(held, 0, 1) === 0) onHeld(findings);
        return;
      }
      if (tries < TRIES) continue;
      throw new WarrenError(
        'store-unsafe',
        `this Redis does not compare and set: ${fault}. Two instances could both commit on it, so none is started; connect to Redis itself`,
      );
    }
  }

  /** Takes three round trips. The first one goes together with the first read of the fence. */
  async #try(): Promise<[fault: string | undefined, Findings]> {
    const store = this.#testStoreOf(`self-test:${randomBytes(8).toString('hex')}`);
    const [stored, wrong, next] = [fence(1), fence(2), fence(3)];
    const put = [{ id: ID, text: 'x' }];
    const remove = [{ id: ID, text: undefined }];
    const [, refused, findings] = await Promise.all([
      this.#set(store, stored),
      store.commit(wrong, next, put),
      this.#readInfo(store),
    ]);
    if (refused !== 'changed')
      return [`a commit that expected another fence was answered "${refused}"`, findings];
    const swapped = await store.commit(stored, next, remove);
    if (swapped !== 'swapped')
      return [`a commit that expected the stored fence was answered "${swapped}"`, findings];
    const { fence: found, texts } = await store.load([ID], 1);
    // The commit has removed the expiry: the key gets a new one. Not awaited, since the test does not depend on it.
    this.#set(store, next, 1).catch(() => {});
    if (!found || encodeFence(found) !== encodeFence(next))
      return ['a commit was not found after it was confirmed', findings];
    if (texts[0] !== undefined) return ['a commit that expected another fence has stored a state', findings];
    return [undefined, findings];
  }

  #set({ fenceKey }: TestStore, fence: ShardFence, expiryMs = EXPIRY_MS): Promise<unknown> {
    return this.#connections.run({ commands: 'SET', keys: [fenceKey] }, (client) =>
      client.set(fenceKey, encodeFence(fence), 'PX', expiryMs),
    );
  }

  /** Sends INFO to the server that has the keys. */
  #readInfo({ fenceKey }: TestStore): Promise<Findings> {
    return this.#connections.run({ commands: 'INFO', keys: [fenceKey] }, async (client) => {
      try {
        return { warnings: warningsOf(String(await client.call('INFO'))), unseen: undefined };
      } catch (error) {
        // Redis has answered, so the connection can still be used.
        if (error instanceof Error && error.name === 'ReplyError')
          return { warnings: [], unseen: messageOf(error).trim() };
        throw error;
      }
    });
  }
}

function fence(epoch: number): ShardFence {
  return {
    store: 'self-test',
    shard: 0,
    shards: 1,
    founded: 1,
    holds: {},
    epoch,
    version: 0,
    group: '',
    writer: '',
    instance: '',
    process: '',
    renewal: 0,
    lease: 0,
    halted: '',
    served: 0,
    clock: 0,
  };
}

/** @param info the answer to INFO: lines of `field:value`. */
function warningsOf(info: string): string[] {
  const setting = (field: string) => new RegExp(`^${field}:(.*?)\r?$`, 'm').exec(info)?.[1];
  const warnings = [];
  const policy = setting('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction')
    warnings.push(
      `Redis deletes keys when its memory is full: its maxmemory-policy is ${policy}; set it to noeviction`,
    );
  if (setting('aof_enabled') === '0')
    warnings.push('Redis keeps no append-only file, so a restart loses commits; set its appendonly to yes');
  if (setting('role') === 'slave')
    warnings.push('this Redis is a replica, whose commits its master does not know; connect to the master');
  return warnings;
}
