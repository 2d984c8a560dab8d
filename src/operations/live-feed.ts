/**
 * Sends server-sent events to the live page: first `hello` with everything known so far (version, the last minutes, the last events), then a `sample` each
 * second, each new event as `entry`, and the nodes as `nodes` when something about them has changed. A page that connects late misses nothing.
 */
import type { ServerResponse } from 'node:http';
import type { EventLog } from './event-log.js';
import type { Parts } from './process-figures.js';
import { type Sample, Sampler } from './sampler.js';

const PERIOD_MS = 1000;
const KEPT_SAMPLES = 300;
const MOST_LISTENERS = 32;
/** Told to the browser: the pause before it connects again, in milliseconds. */
const RETRY_MS = 1000;
/** A listener that lets this much pile up is gone or hopeless, in bytes. */
const MOST_UNSENT = 4 * 1024 * 1024;

export class LiveFeed {
  readonly #parts: Parts;
  readonly #events: EventLog;
  readonly #listeners = new Set<ServerResponse>();
  readonly #onError: (error: unknown) => void;
  /** The last sample failed; further failures are not reported. */
  #failing = false;
  readonly #samples: Sample[] = [];
  readonly #timer: NodeJS.Timeout;
  /** As it was told last. */
  #nodes = '';

  /** @param onError called when a sample or an event could not be sent; the feed goes on. */
  constructor(parts: Parts, events: EventLog, onError: (error: unknown) => void) {
    this.#parts = parts;
    this.#events = events;
    this.#onError = onError;
    const sampler = new Sampler(parts);
    this.#timer = setInterval(() => this.#guarded(() => this.#tick(sampler.take())), PERIOD_MS);
    this.#timer.unref();
    events.onEntry((entry) => this.#guarded(() => this.#tellAll('entry', entry)));
  }

  /** @returns false when there are too many listeners; the caller answers. */
  listen(response: ServerResponse): boolean {
    if (this.#listeners.size >= MOST_LISTENERS) return false;
    response.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      // Otherwise nginx would buffer the events.
      'X-Accel-Buffering': 'no',
    });
    response.write(`retry: ${RETRY_MS}\n${event('hello', this.#hello())}`);
    this.#listeners.add(response);
    response.on('close', () => this.#listeners.delete(response));
    return true;
  }

  close(): void {
    clearInterval(this.#timer);
    for (const listener of this.#listeners) listener.end();
  }

  #guarded(observe: () => void): void {
    try {
      observe();
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#onError(error);
      this.#failing = true;
    }
  }

  #tick(sample: Sample): void {
    this.#add(sample);
    const nodes = this.#parts.nodes?.report;
    const text = JSON.stringify(nodes) ?? '';
    if (!nodes || text === this.#nodes) return;
    this.#nodes = text;
    this.#tellAll('nodes', nodes);
  }

  #hello(): object {
    const { version, config, nodes } = this.#parts;
    return {
      version,
      node: process.versions.node,
      pid: process.pid,
      startedAt: Math.round(performance.timeOrigin),
      store: config.store.kind,
      durability: config.durability,
      faults: this.#parts.faults !== undefined,
      pendingLimit: config.mailboxLimit,
      nodes: nodes?.report,
      samples: this.#samples,
      entries: this.#events.entries,
    };
  }

  #add(sample: Sample): void {
    this.#samples.push(sample);
    if (this.#samples.length > KEPT_SAMPLES) this.#samples.shift();
    this.#tellAll('sample', sample);
  }

  #tellAll(name: string, data: object): void {
    if (this.#listeners.size === 0) return;
    const text = event(name, data);
    for (const listener of this.#listeners) {
      if (listener.writableLength > MOST_UNSENT) listener.destroy();
      else listener.write(text);
    }
  }
}

/** JSON has no line breaks of its own, so one `data` line is enough. */
function event(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
