/** What passed between the front and the owner, counted on the main thread: once per batch where possible. */
import { Histogram, LATENCY_MS, SIZE } from './histogram.js';

export class AskMeter {
  /** From the event-loop turn in which a request came to the owner's reply, in milliseconds; refusals are left out. */
  readonly latency = new Histogram(LATENCY_MS);
  /** Messages that crossed to the owner together. */
  readonly batchSizes = new Histogram(SIZE);
  /** Owners that have died. */
  deaths = 0;
}
