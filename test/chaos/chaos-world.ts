/** What a chaos run needs of the system that it breaks: one server, or several nodes. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Operation } from '../support/history.js';
import type { SeededRandom } from '../support/seeded-random.js';

export interface ChaosWorld {
  /** An end of a server that no fault had ordered. */
  readonly surprises: readonly string[];
  /** What the servers have written, the last part of it. */
  readonly output: string;
  readonly breakables: readonly Breakable[];
  /** Where this client sends its next request. */
  urlFor(client: number): string;
  /** Takes note of what a client has seen. */
  observe(operation: Operation): void;
  /** Resolves when everything is answered for. Rejects after two minutes. */
  serves(): Promise<void>;
  /** False when that takes longer. */
  ready(withinMs: number): Promise<boolean>;
  /** By new processes, which know nothing but what is stored. */
  restart(): Promise<void>;
  /** Where each key stands, as a client reads it. */
  finalIndexes(withinMs: number): Promise<number[]>;
  /** From here on the end of the servers is expected. */
  stop(): Promise<void>;
}

/** Something that can break. It has one fault at a time. */
export interface Breakable {
  readonly faults: Readonly<Record<string, readonly [weight: number, fault: Fault]>>;
  /** Between two faults, in milliseconds. */
  readonly restMs: readonly [least: number, most: number];
}

/** Breaks something and mends it; says in a few words what was special about this time. */
export type Fault = (random: SeededRandom) => Promise<string | Told>;

export interface Told {
  readonly note: string;
  /** From the fault until every actor had answered again, in milliseconds. */
  readonly backMs: number;
}

export async function rest(random: SeededRandom, leastMs: number, mostMs: number): Promise<string> {
  const ms = random.between(leastMs, mostMs);
  await delay(ms);
  return `for ${ms} ms`;
}
