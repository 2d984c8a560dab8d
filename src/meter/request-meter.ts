/** Counts batches and times of requests between the front and the owner. Main thread only. */
import { Histogram, LATENCY_MS, SIZE } from './histogram.js';

export class RequestMeter {
  /** By actor: from the event-loop iteration in which a request came to the owner's reply, in milliseconds; problems are left out. */
  readonly latencies: ReadonlyMap<string, Histogram>;
  /** Requests that crossed to the owner together. */
  readonly batchSizes = new Histogram(SIZE);
  readonly #byMessage: readonly Histogram[];

  /** @param actors the actor of each message, by its number. */
  constructor(actors: readonly string[]) {
    this.latencies = new Map([...new Set(actors)].map((actor) => [actor, new Histogram(LATENCY_MS)]));
    this.#byMessage = actors.map((actor) => this.latencies.get(actor) as Histogram);
  }

  count(message: number, latencyMs: number): void {
    this.#byMessage[message]?.record(latencyMs);
  }
}
