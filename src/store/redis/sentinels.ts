/**
 * The Sentinels that know which server is the master. All of them are asked, and the one that has seen the latest fail-over is right: a Sentinel that
 * was cut off from the others still names the old master. On the owner thread.
 *
 * A master that is known is asked for again once in a second, beside the commands. So the owner leaves an old master that it can still reach as soon
 * as one Sentinel that it can reach knows of the fail-over. Otherwise it would go on there, and what that master confirms is lost. No Sentinel is needed while the
 * master serves: when none answers, the master stays.
 */
import { messageOf, WarrenError } from '../../errors.js';
import type { Elsewhere } from './elsewhere.js';
import type { Locator } from './locator.js';
import { RedisConnection } from './redis-connection.js';
import type { SentinelPlace } from './redis-place.js';
import { isSameServer, type RedisAddress } from './redis-url.js';

const LOOK_MS = 1_000;
/** Of the time that a command has: connecting to the master and the command come after it. */
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
  #asking: Promise<RedisAddress> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;

  /** @param login of the master, and whether it and the Sentinels speak TLS. @param timeoutMs that a command may take. */
  constructor({ nodes, master, username, password }: SentinelPlace, login: RedisAddress, timeoutMs: number) {
    this.#name = master;
    this.#login = login;
    this.#sentinels = nodes.map(
      (node) => new Sentinel({ ...login, ...node, username, password, database: 0 }, timeoutMs / SHARE),
    );
  }

  locate(): RedisAddress | Promise<RedisAddress> {
    if (this.#master && performance.now() - this.#askedAt < LOOK_MS) return this.#master;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    if (!this.#master) return this.#asking;
    this.#asking.catch(() => {});
    return this.#master;
  }

  failed(address: RedisAddress): void {
    if (this.#master && isSameServer(this.#master, address)) this.#master = undefined;
  }

  follow(_tag: string, _address: RedisAddress, { denied }: Elsewhere): never {
    throw new WarrenError('store-denied', denied);
  }

  close(): void {
    for (const sentinel of this.#sentinels) sentinel.drop();
  }

  async #ask(): Promise<RedisAddress> {
    this.#askedAt = performance.now();
    const answers = await Promise.allSettled(this.#sentinels.map((sentinel) => sentinel.master(this.#name)));
    let latest: Named | undefined;
    for (const answer of answers) {
      if (answer.status === 'fulfilled' && answer.value.epoch >= (latest?.epoch ?? 0)) latest = answer.value;
    }
    if (!latest) throw this.#nobodyKnows(answers);
    const { host, port } = latest;
    const master = { ...this.#login, host, port };
    if (!this.#master || !isSameServer(this.#master, master)) this.#master = master;
    return this.#master;
  }

  /** What every Sentinel refuses for good does not pass by itself. */
  #nobodyKnows(answers: readonly PromiseSettledResult<Named>[]): WarrenError {
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
    const request = { commands: 'SENTINEL MASTER', keys: [] };
    const fields = (await this.#connection.ask(request, (client) =>
      client.call('SENTINEL', 'MASTER', name),
    )) as string[];
    const told = (field: string) => fields[fields.indexOf(field) + 1] ?? '';
    return {
      host: told('ip'),
      port: Number(told('port')),
      epoch: Number(told('config-epoch')),
    };
  }

  drop(): void {
    this.#connection?.drop();
  }
}
