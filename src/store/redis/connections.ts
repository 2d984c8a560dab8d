/**
 * The connections that a store uses now: one for each server. A dropped one is replaced with the next command. On the owner thread.
 *
 * A command that names keys of a shard goes to the server that has them now, by the hash tag of its first key. It is sent anew in two cases, in which nothing can
 * have happened: the server could not be reached, or it has named another one.
 */
import { WarrenError } from '../../errors.js';
import type { CommitOutcome } from '../contract.js';
import { Elsewhere } from './elsewhere.js';
import { type Locator, locatorOf } from './locator.js';
import { type Client, type ConnectionOptions, RedisConnection, type Request } from './redis-connection.js';
import { tagOf } from './redis-keys.js';
import type { RedisPlace } from './redis-place.js';
import type { RedisAddress } from './redis-url.js';

/** Nodes of a cluster may disagree for a moment about who has a slot. */
const REDIRECTIONS = 4;

/** What is known of one hash tag. */
interface Lane {
  /** The connection that was used last. */
  connection: RedisConnection | undefined;
  /** How many there were. */
  count: number;
  unsettled: number;
  /** Grows whenever the commands before are given up. */
  given: number;
}

export class Connections {
  readonly #locator: Locator;
  readonly #options: ConnectionOptions;
  readonly #byServer = new Map<string, RedisConnection>();
  readonly #lanes = new Map<string, Lane>();

  /** @param timeoutMs bound on connecting and on every command, in milliseconds. */
  constructor(place: RedisPlace, timeoutMs: number) {
    this.#locator = locatorOf(place, timeoutMs);
    this.#options = { timeoutMs, greeting: this.#locator.greeting, replicas: place.replicas ?? 0 };
  }

  /** A commit counts only when replicas have it too. */
  get awaitsReplicas(): boolean {
    return this.#options.replicas !== undefined && this.#options.replicas > 0;
  }

  /** How many connections the commands on such keys have used. */
  countOf(key: string): number {
    return this.#lane(key).count;
  }

  /** Throws as `RedisConnection.ask`. */
  ask<T>(request: Request, send: (client: Client) => Promise<T>): Promise<T> {
    return this.#reach(request, (connection) => connection.ask(request, send));
  }

  /** Throws as `RedisConnection.commit`. */
  commit(request: Request, send: (client: Client) => Promise<CommitOutcome>): Promise<CommitOutcome> {
    return this.#reach(request, (connection) => connection.commit(request, send));
  }

  /** For a caller that has given up on earlier commands on such keys: whatever still waits behind them on that connection would hang too. */
  dropUnsettled(key: string): void {
    const lane = this.#lane(key);
    if (lane.unsettled === 0) return;
    lane.given += 1;
    const { connection } = lane;
    if (!connection) return;
    connection.drop();
    this.#locator.failed(connection.address);
  }

  drop(): void {
    for (const connection of this.#byServer.values()) connection.drop();
    this.#byServer.clear();
    this.#locator.close();
  }

  async #reach<T>(request: Request, use: (connection: RedisConnection) => Promise<T>): Promise<T> {
    const [key = ''] = request.keys;
    const tag = tagOf(key);
    const lane = this.#lane(key);
    const { given } = lane;
    lane.unsettled += 1;
    try {
      for (let tries = 1; ; tries++) {
        const located = this.#locator.locate(tag);
        const connection = this.#connect(lane, located instanceof Promise ? await located : located);
        if (lane.given !== given) throw new WarrenError('store-refused', 'the caller has given up');
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
          if (!(error instanceof Elsewhere)) throw error;
          if (tries >= this.#locator.servers + REDIRECTIONS)
            throw new WarrenError('store-refused', `Redis: ${error.message}`);
          this.#locator.follow(tag, connection.address, error);
        }
      }
    } finally {
      lane.unsettled -= 1;
    }
  }

  #connect(lane: Lane, address: RedisAddress): RedisConnection {
    const server = `${address.host} ${address.port}`;
    let connection = this.#byServer.get(server);
    if (!connection || connection.dropped) {
      connection = new RedisConnection(address, this.#options);
      this.#byServer.set(server, connection);
    }
    if (lane.connection !== connection) {
      const left = lane.connection;
      lane.connection = connection;
      lane.count += 1;
      if (left) this.#leave(left);
    }
    return connection;
  }

  /** What no shard uses any longer is closed: an old master may hang, or confirm what is lost. */
  #leave(left: RedisConnection): void {
    for (const { connection } of this.#lanes.values()) if (connection === left) return;
    left.leave();
    for (const [server, connection] of this.#byServer) if (connection === left) this.#byServer.delete(server);
  }

  #lane(key: string): Lane {
    const tag = tagOf(key);
    let lane = this.#lanes.get(tag);
    if (!lane) {
      lane = { connection: undefined, count: 0, unsettled: 0, given: 0 };
      this.#lanes.set(tag, lane);
    }
    return lane;
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof WarrenError && error.code === 'store-refused';
}
