/**
 * Clients that add to counters over HTTP, and the judgement of what they saw, per key: every value is given out once, is larger than all
 * that were given out before it was asked for, and all that was acknowledged is there in the end.
 */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

interface Key {
  shown: number;
  acknowledged: number;
  unknown: number;
  readonly given: Set<number>;
}

export interface CounterLoadOptions {
  readonly url: string;
  readonly clients: number;
  readonly keys: number;
}

export class CounterLoad {
  readonly #options: CounterLoadOptions;
  readonly #keys: Key[];
  readonly #clients: Promise<void>[];
  readonly complaints: string[] = [];
  /** Requests that got another answer than 200, by status; 0 when the connection broke. */
  readonly others = new Map<number, number>();
  acknowledged = 0;
  #over = false;

  constructor(options: CounterLoadOptions) {
    this.#options = options;
    this.#keys = Array.from({ length: options.keys }, () => ({
      shown: 0,
      acknowledged: 0,
      unknown: 0,
      given: new Set(),
    }));
    this.#clients = Array.from({ length: options.clients }, (_, client) => this.#client(client));
  }

  /** Resolves when so many more were acknowledged. */
  async more(count: number): Promise<void> {
    const until = this.acknowledged + count;
    while (this.acknowledged < until && this.complaints.length === 0) await delay(5);
  }

  async end(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#clients);
  }

  /** Compares with what the service says now. */
  async judge(): Promise<void> {
    assert.deepEqual(this.complaints, []);
    for (const [number, key] of this.#keys.entries()) {
      const answer = await fetch(`${this.#options.url}/counter/k${number}/get`);
      const value = Number(await answer.text());
      const { acknowledged, unknown, shown } = key;
      assert(
        value >= shown && value >= acknowledged,
        `k${number} is ${value}, ${acknowledged} acknowledged, ${shown} shown`,
      );
      assert(
        value <= acknowledged + unknown,
        `k${number} is ${value}, ${acknowledged} acknowledged and ${unknown} unknown`,
      );
    }
  }

  async #client(client: number): Promise<void> {
    for (let turn = 0; !this.#over; turn++) {
      const number = (client * 7 + turn * 13) % this.#keys.length;
      await this.#add(number, this.#keys[number] as Key);
    }
  }

  async #add(number: number, key: Key): Promise<void> {
    const shownBefore = key.shown;
    let status = 0;
    let text = '';
    try {
      const answer = await fetch(`${this.#options.url}/counter/k${number}/add`, { method: 'POST' });
      text = await answer.text();
      status = answer.status;
    } catch {
      // The connection broke: the outcome is unknown.
    }
    if (status !== 200) {
      this.others.set(status, (this.others.get(status) ?? 0) + 1);
      if (status === 0 || status === 504) key.unknown += 1;
      else if (status !== 503) this.complaints.push(`${status} ${text}`);
      await delay(10);
      return;
    }
    const value = Number(text);
    if (key.given.has(value)) this.complaints.push(`k${number} gives ${value} twice`);
    if (value <= shownBefore) this.complaints.push(`k${number} gives ${value} after ${shownBefore}`);
    key.given.add(value);
    key.shown = Math.max(key.shown, value);
    key.acknowledged += 1;
    this.acknowledged += 1;
  }
}
