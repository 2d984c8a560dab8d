/**
 * The connections of a store to Redis: one for each server in use. A dropped connection is replaced when the next command needs it. Runs on the
 * owner thread.
 *
 * A command goes to the server that has its keys now, which is found by the hash tag of its first key. It is sent again in two cases, since the
 * command has had no effect in them: the server could not be reached, or it has named another server (`MOVED`).
 */
import { WarrenError } from '../../errors.js';
import type { CommitOutcome } from '../contract.js';
import { type Locator, locatorOf } from './locator.js';
import { Redirection } from './redirection.js';
import {
  type Client,
  type CommandInfo,
  type ConnectionOptions,
  RedisConnection,
} from './redis-connection.js';
import { tagOf } from './redis-keys.js';
import type { RedisPlace } from './redis-place.js';
import type { RedisAddress } from './redis-url.js';

/** How many `MOVED` in a row are followed. Nodes of a cluster may disagree for a moment about which one has a slot. */
const REDIRECTIONS = 4;

/** How the commands on keys with one hash tag use the connections. */
interface TagUsage {
  /** The connection that was used last. */
  connection: RedisConnection | undefined;
  /** How many connections were used so far. */
  count: number;
  /** Commands without an outcome. */
  unsettled: number;
  /** Grows by one whenever the caller gives up its earlier commands. */
  givenUp: number;
}

export class Connections {
  readonly #locator: Locator;
  readonly #options: ConnectionOptions;
  readonly #byServer = new Map<string, RedisConnection>();
  readonly #tags = new Map<string, TagUsage>();

  /** @param timeoutMs bound on connecting and on every command, in milliseconds. */
  constructor(place: RedisPlace, timeoutMs: number) {
    this.#locator = locatorOf(place, timeoutMs);
    this.#options = { timeoutMs, greeting: this.#locator.greeting, replicas: place.replicas ?? 0 };
  }

  /** Whether a commit counts only when replicas have it too. */
  get awaitsReplicas(): boolean {
    return this.#options.replicas !== undefined && this.#options.replicas > 0;
  }

  /** How many connections were used so far by commands on keys with the hash tag of this one. */
  countOf(key: string): number {
    return this.#usageOf(key).count;
  }

  /** Throws as `RedisConnection.run`. */
  run<T>(info: CommandInfo, send: (client: Client) => Promise<T>): Promise<T> {
    return this.#reach(info, (connection) => connection.run(info, send));
  }

  /** Throws as `RedisConnection.commit`. */
  commit(info: CommandInfo, send: (client: Client) => Promise<CommitOutcome>): Promise<CommitOutcome> {
    return this.#reach(info, (connection) => connection.commit(info, send));
  }

  /**
   * Drops the connection when earlier commands on keys with this hash tag have no outcome yet. The caller has given up on them, and later
   * commands on that connection would have to wait behind them.
   */
  dropUnsettled(key: string): void {
    const usage = this.#usageOf(key);
    if (usage.unsettled === 0) return;
    usage.givenUp += 1;
    const { connection } = usage;
    if (!connection) return;
    connection.drop();
    this.#locator.failed(connection.address);
  }

  drop(): void {
    for (const connection of this.#byServer.values()) connection.drop();
    this.#byServer.clear();
    this.#locator.close();
  }

  async #reach<T>(info: CommandInfo, use: (connection: RedisConnection) => Promise<T>): Promise<T> {
    const [key = ''] = info.keys;
    const tag = tagOf(key);
    const usage = this.#usageOf(key);
    const { givenUp } = usage;
    usage.unsettled += 1;
    try {
      for (let tries = 1; ; tries++) {
        const located = this.#locator.locate(tag);
        const connection = this.#connect(usage, located instanceof Promise ? await located : located);
        if (usage.givenUp !== givenUp) throw new WarrenError('store-refused', 'the caller has given up');
        try {
          await connection.open();
        } catch (error) {
          this.#locator.failed(connection.address);
          if (tries < this.#locator.servers && isPassing(error)) continue;
          throw error;
        }
        try {
          return await use(connection);
        } catch (error) {
          if (connection.dropped) this.#locator.failed(connection.address);
          if (!(error instanceof Redirection)) throw error;
          if (tries >= this.#locator.servers + REDIRECTIONS)
            throw new WarrenError('store-refused', `Redis: ${error.message}`);
          this.#locator.follow(tag, connection.address, error);
        }
      }
    } finally {
      usage.unsettled -= 1;
    }
  }

  #connect(usage: TagUsage, address: RedisAddress): RedisConnection {
    const server = `${address.host} ${address.port}`;
    let connection = this.#byServer.get(server);
    if (!connection || connection.dropped) {
      connection = new RedisConnection(address, this.#options);
      this.#byServer.set(server, connection);
    }
    if (usage.connection !== connection) {
      const unused = usage.connection;
      usage.connection = connection;
      usage.count += 1;
      if (unused) this.#closeUnused(unused);
    }
    return connection;
  }

  /** Closes a connection that no shard uses any longer: an old master may hang, or confirm commits that are lost. */
  #closeUnused(unused: RedisConnection): void {
    for (const { connection } of this.#tags.values()) if (connection === unused) return;
    unused.closeWhenIdle();
    for (const [server, connection] of this.#byServer)
      if (connection === unused) this.#byServer.delete(server);
  }

  #usageOf(key: string): TagUsage {
    const tag = tagOf(key);
    let usage = this.#tags.get(tag);
    if (!usage) {
      usage = { connection: undefined, count: 0, unsettled: 0, givenUp: 0 };
      this.#tags.set(tag, usage);
    }
    return usage;
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof WarrenError && error.code === 'store-refused';
}
