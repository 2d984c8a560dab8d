/**
 * The test of Redis at the start: a commit that expects the wrong fence must change nothing, and one that expects the right fence must replace
 * it. Everything that Warren promises rests on that, and there are servers with Redis' protocol, proxies and modes of replication that do not
 * hold it. On the owner thread, once per process, with the first connection.
 *
 * The very scripts of the store run, on keys that no other process uses and that expire. One INFO goes with them: what it shows of settings with which Redis
 * loses what it has confirmed is a warning. A user who has no right to INFO is served without.
 */
import { randomBytes } from 'node:crypto';
import { messageOf, WarrenError } from '../../errors.js';
import type { ActorStore } from '../contract.js';
import { encodeFence, type ShardFence } from '../shard-fence.js';
import type { Connections } from './connections.js';

/** What the test has found of a Redis that holds it. */
export interface Findings {
  /** Sentences, one per setting. */
  readonly warnings: readonly string[];
  /** Why INFO was not answered. */
  readonly unseen: string | undefined;
}

export interface SelfTestOptions {
  /** Shared by the owner threads of a process: 1 when the test has held. */
  readonly held: Int32Array;
  readonly onHeld: (findings: Findings) => void;
}

type Bench = Pick<ActorStore, 'load' | 'commit'> & { readonly fenceKey: string };

/** Long enough for the slowest test, in milliseconds. */
const EXPIRY_MS = 60_000;
/** A fail-over in the middle of a test looks like a Redis that does not hold it. */
const TRIES = 2;
const ID = 'self-test/';

export class SelfTest {
  readonly #options: SelfTestOptions;
  readonly #connections: Connections;
  readonly #bench: (name: string) => Bench;
  #running: Promise<void> | undefined;

  /** @param bench a store with keys of its own, on the same connections. */
  constructor(options: SelfTestOptions, connections: Connections, bench: (name: string) => Bench) {
    this.#options = options;
    this.#connections = connections;
    this.#bench = bench;
  }

  /**
   * Does nothing once the test has held. Shards that begin together wait for one test.
   *
   * @throws WarrenError `store-unsafe`, and as `ActorStore.commit` where Redis does not let the test end.
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

  /** Two round trips after the first, which the first look at the fence makes anyway. */
  async #try(): Promise<[fault: string | undefined, Findings]> {
    const bench = this.#bench(`self-test:${randomBytes(8).toString('hex')}`);
    const [stored, wrong, next] = [fence(1), fence(2), fence(3)];
    const put = [{ id: ID, text: 'x' }];
    const remove = [{ id: ID, text: undefined }];
    const [, refused, findings] = await Promise.all([
      this.#set(bench, stored),
      bench.commit(wrong, next, put),
      this.#look(bench),
    ]);
    if (refused !== 'changed')
      return [`a commit that expected another fence was answered "${refused}"`, findings];
    const swapped = await bench.commit(stored, next, remove);
    if (swapped !== 'swapped')
      return [`a commit that expected the stored fence was answered "${swapped}"`, findings];
    const { fence: found, texts } = await bench.load([ID], 1);
    // A commit takes the expiry away. Nothing depends on its coming back, so nothing waits for it.
    this.#set(bench, next, 1).catch(() => {});
    if (!found || encodeFence(found) !== encodeFence(next))
      return ['a commit was not found after it was confirmed', findings];
    if (texts[0] !== undefined) return ['a commit that expected another fence has stored a state', findings];
    return [undefined, findings];
  }

  #set({ fenceKey }: Bench, fence: ShardFence, expiryMs = EXPIRY_MS): Promise<unknown> {
    return this.#connections.ask({ commands: 'SET', keys: [fenceKey] }, (client) =>
      client.set(fenceKey, encodeFence(fence), 'PX', expiryMs),
    );
  }

  /** At the server that the keys are on. */
  #look({ fenceKey }: Bench): Promise<Findings> {
    return this.#connections.ask({ commands: 'INFO', keys: [fenceKey] }, async (client) => {
      try {
        return { warnings: warningsOf(String(await client.call('INFO'))), unseen: undefined };
      } catch (error) {
        // An answer, so the connection is as good as before.
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
