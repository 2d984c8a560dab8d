/**
 * Asks the Redis Sentinels which server is the master. It asks all of them and believes the one that has seen the latest fail-over, since a
 * Sentinel that was cut off from the others still names the old master. Runs on the owner thread.
 *
 * It asks again every second, while commands go on to the known master. So the owner leaves an old master as soon as one Sentinel
 * reports the fail-over, also when the old master can still be reached. Otherwise the old master would confirm commits that are lost. When no Sentinel
 * answers, the known master stays.
 */
import { messageOf, WarrenError } from '../../errors.js';
import type { Locator } from './locator.js';
import type { Redirection } from './redirection.js';
import { RedisConnection } from './redis-connection.js';
import type { SentinelPlace } from './redis-place.js';
import { isSameServer, type RedisAddress } from './redis-url.js';

/** After this time the Sentinels are asked again. */
const LOOK_MS = 1_000;
/** A Sentinel gets this fraction of the command time-out: connecting to the master and the command itself come after it. */
const SHARE = 4;

interface Named {
  readonly host: string;
  readonly port: number;
  /** Grows with each fail-over. */
  readonly epoch: number;
}

export class Sentinels implements Locator {
  readonly greeting = [];
  readonly servers = 1;
  readonly #sentinels: readonly Sentinel[];
  readonly #name: string;
  readonly #login: RedisAddress;
  #master: RedisAddress | undefined;
  #looking: Promise<RedisAddress> | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** @param login user and password of the master; TLS for it and the Sentinels. @param timeoutMs the command time-out, in milliseconds. */
  constructor({ nodes, master, username, password }: SentinelPlace, login: RedisAddress, timeoutMs: number) {
    this.#name = master;
    this.#login = login;
    this.#sentinels = nodes.map(
      (node) => new Sentinel({ ...login, ...node, username, password, database: 0 }, timeoutMs / SHARE),
    );
  }

  locate(): RedisAddress | Promise<RedisAddress> {
    if (this.#master && performance.now() - this.#lookedAt < LOOK_MS) return this.#master;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    if (!this.#master) return this.#looking;
    this.#looking.catch(() => {});
    return this.#master;
  }

  failed(address: RedisAddress): void {
    if (this.#master && isSameServer(this.#master, address)) this.#master = undefined;
  }

  follow(_tag: string, _address: RedisAddress, { denied }: Redirection): never {
    throw new WarrenError('store-denied', denied);
  }

  close(): void {
    for (const sentinel of this.#sentinels) sentinel.drop();
  }

  async #look(): Promise<RedisAddress> {
    this.#lookedAt = performance.now();
    const answers = await Promise.allSettled(this.#sentinels.map((sentinel) => sentinel.master(this.#name)));
    let latest: Named | undefined;
    for (const answer of answers) {
      if (answer.status === 'fulfilled' && answer.value.epoch >= (latest?.epoch ?? 0)) latest = answer.value;
    }
    if (!latest) throw this.#noAnswer(answers);
    const { host, port } = latest;
    const master = { ...this.#login, host, port };
    if (!this.#master || !isSameServer(this.#master, master)) this.#master = master;
    return this.#master;
  }

  /** `store-denied` when every Sentinel has denied the command, `store-refused` when a later try may succeed. */
  #noAnswer(answers: readonly PromiseSettledResult<Named>[]): WarrenError {
    const reasons = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
    const isDenied = reasons.every(
      (reason) => reason instanceof WarrenError && reason.code === 'store-denied',
    );
    const said = [...new Set(reasons.map(messageOf))].join('; ');
    return new WarrenError(
      isDenied ? 'store-denied' : 'store-refused',
      `no Sentinel names the master "${this.#name}": ${said}`,
    );
  }
}

class Sentinel {
  readonly #address: RedisAddress;
  readonly #timeoutMs: number;
  #connection: RedisConnection | undefined;

  constructor(address: RedisAddress, timeoutMs: number) {
    this.#address = address;
    this.#timeoutMs = timeoutMs;
  }

  async master(name: string): Promise<Named> {
    if (!this.#connection || this.#connection.dropped) {
      this.#connection = new RedisConnection(this.#address, { timeoutMs: this.#timeoutMs });
    }
    const info = { commands: 'SENTINEL MASTER', keys: [] };
    const fields = (await this.#connection.run(info, (client) =>
      client.call('SENTINEL', 'MASTER', name),
    )) as string[];
    const field = (name: string) => fields[fields.indexOf(name) + 1] ?? '';
    return {
      host: field('ip'),
      port: Number(field('port')),
      epoch: Number(field('config-epoch')),
    };
  }

  drop(): void {
    this.#connection?.drop();
  }
}
