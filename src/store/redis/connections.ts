/** The connection that a store uses now, and how many there were. A dropped one is replaced with the next command. On the owner thread. */
import { type Client, RedisConnection, type Request } from './redis-connection.js';
import type { RedisAddress } from './redis-url.js';

export class Connections {
  readonly #address: RedisAddress;
  readonly #timeoutMs: number;
  #current: RedisConnection | undefined;
  #count = 0;
  #unsettled = 0;

  /** @param timeoutMs bound on connecting and on every command, in milliseconds. */
  constructor(address: RedisAddress, timeoutMs: number) {
    this.#address = address;
    this.#timeoutMs = timeoutMs;
  }

  get count(): number {
    return this.#count;
  }

  /** Throws as `RedisConnection.ask`. */
  async ask<T>(request: Request, send: (client: Client) => Promise<T>): Promise<T> {
    this.#unsettled += 1;
    if (!this.#current || this.#current.dropped) {
      this.#current = new RedisConnection(this.#address, this.#timeoutMs);
      this.#count += 1;
    }
    try {
      return await this.#current.ask(request, send);
    } finally {
      this.#unsettled -= 1;
    }
  }

  /** For a caller that has given up on earlier commands: whatever still waits behind them on that connection would hang too. */
  dropUnsettled(): void {
    if (this.#unsettled > 0) this.drop();
  }

  drop(): void {
    this.#current?.drop();
    this.#current = undefined;
  }
}
