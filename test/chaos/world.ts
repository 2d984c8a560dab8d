/**
 * What a chaos run breaks: one server on one store, a proxy between some of its clients and it, and on Redis a proxy
 * between it and its store. The faults act on this; everything in it ends with the scope.
 *
 *     clients ──┬──────────────────> server ──> folder          (level)
 *               └──> client link ──>   └─> store link ──> Redis (redis; every command in its log synced)
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Scope } from '../support/child-handle.js';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { freePort } from '../support/free-port.js';
import { monotonicMs, type Operation } from '../support/history.js';
import { get } from '../support/http-client.js';
import { pause } from '../support/pause.js';
import { type RedisProcess, startRedis } from '../support/redis-process.js';
import { startWarren, type WarrenProcess } from '../support/warren-process.js';
import type { Breakable, ChaosWorld } from './chaos-world.js';
import { type Driven, finalIndexes } from './driven.js';
import { breakablesOf } from './server-faults.js';

export type StoreKind = 'level' | 'redis';

/** Short bounds, so that a minute holds many outages that end beyond them. */
export const BOUNDS = {
  COMMIT_TIMEOUT_MS: '300',
  STORE_GRACE_MS: '500',
  ASK_TIMEOUT_MS: '3000',
  LEASE_MS: '1000',
  RESTART_LIMIT: '10000',
  FAULTS: 'on',
};
const POLL_TIMEOUT_MS = 5_000;
/** Against a world that never serves again. */
const SERVES_WITHIN_MS = 120_000;

export class World implements ChaosWorld {
  readonly redis: RedisProcess | undefined;
  readonly storeLink: FaultProxy | undefined;
  readonly clientLink: FaultProxy;
  /** An end of the server that no fault had ordered. */
  readonly surprises: string[] = [];
  readonly #driven: Driven;
  #server: WarrenProcess;
  /** When the newest acknowledged command was sent. */
  #acknowledged = Number.NEGATIVE_INFINITY;
  #whoeverKills: Promise<unknown> = Promise.resolve();

  static async start(scope: Scope, store: StoreKind, driven: Driven): Promise<World> {
    const redis =
      store === 'redis' ? await startRedis(scope, { appendOnly: true, fsync: 'always' }) : undefined;
    const storeLink = redis && (await startFaultProxy(scope, redis.port));
    const env = {
      ...BOUNDS,
      ...driven.env,
      // Not one that the kernel chose: it would give it to a retrying client, too, while the server is down.
      SERVING_HOST_PORT: `127.0.0.1:${await freePort()}`,
      STORE: store,
      ...(storeLink ? { REDIS_URL: `redis://127.0.0.1:${storeLink.port}` } : {}),
    };
    const server = await startWarren(scope, { env });
    return new World(driven, server, await startFaultProxy(scope, server.port), redis, storeLink);
  }

  private constructor(
    driven: Driven,
    server: WarrenProcess,
    clientLink: FaultProxy,
    redis: RedisProcess | undefined,
    storeLink: FaultProxy | undefined,
  ) {
    this.#driven = driven;
    this.#server = server;
    this.clientLink = clientLink;
    this.redis = redis;
    this.storeLink = storeLink;
    this.#watch(server);
  }

  get breakables(): readonly Breakable[] {
    return breakablesOf(this);
  }

  get output(): string {
    return this.#server.output;
  }

  get server(): WarrenProcess {
    return this.#server;
  }

  /**
   * Every third client goes through the link. Not while there is no server: a proxy accepts for a dead one, and what
   * was surely not executed would count as unknown.
   */
  urlFor(client: number): string {
    const throughLink = client % 3 === 0 && this.#server.running;
    return throughLink ? `http://127.0.0.1:${this.clientLink.port}` : this.#server.url;
  }

  /** Takes note of what a client has seen. */
  observe({ kind, outcome, start }: Operation): void {
    if (kind === 'next' && outcome === 'ok') this.#acknowledged = Math.max(this.#acknowledged, start);
  }

  /**
   * Resolves when a command that was sent from now on has been acknowledged: then the server owns its store, and the store holds all
   * that was acknowledged before.
   */
  async serves(): Promise<void> {
    const since = monotonicMs();
    while (this.#acknowledged < since) {
      if (monotonicMs() > since + SERVES_WITHIN_MS) throw new Error('no command was acknowledged any more');
      await pause();
    }
  }

  /** One after the other: what only this process knows must not end with it. */
  async withProcess<T>(act: () => Promise<T>): Promise<T> {
    const acting = this.#whoeverKills.then(act);
    this.#whoeverKills = acting.catch(() => {});
    return acting;
  }

  restart(): Promise<void> {
    return this.killAndRestart(0);
  }

  async killAndRestart(pauseMs: number): Promise<void> {
    const server = this.#server;
    this.#ordered.add(server);
    server.kill();
    await server.exited;
    await delay(pauseMs);
    this.#server = await server.again();
    this.#watch(this.#server);
  }

  /** Resolves when numbers are handed out again; false when that takes longer. */
  async ready(withinMs: number): Promise<boolean> {
    const giveUpAt = performance.now() + withinMs;
    while (performance.now() < giveUpAt) {
      const answer = await get(this.#server.url, '/ready', { timeoutMs: POLL_TIMEOUT_MS }).catch(
        () => undefined,
      );
      if (answer?.status === 200) return true;
      await pause();
    }
    return false;
  }

  /** Where each key stands after everything, read through the front door. */
  finalIndexes(withinMs: number): Promise<number[]> {
    return finalIndexes(this.#server.url, this.#driven, withinMs);
  }

  /** From here on the server's end is expected. */
  async stop(): Promise<void> {
    this.#ordered.add(this.#server);
    const code = await this.#server.stop();
    if (code !== 0) this.surprises.push(`the clean stop ended with code ${code}:\n${this.#server.output}`);
  }

  readonly #ordered = new Set<WarrenProcess>();

  #watch(server: WarrenProcess): void {
    server.exited.then(({ code, signal }) => {
      if (this.#ordered.has(server)) return;
      const tail = server.output.slice(-2_000);
      this.surprises.push(`the server ended by itself, code ${code}, signal ${signal}:\n${tail}`);
    });
  }
}
