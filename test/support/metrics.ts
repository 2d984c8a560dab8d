/** The Prometheus text format, read back: what a test wants to know of a scrape. */
import { get } from './http-client.js';
import { pause } from './pause.js';

export class Scrape {
  readonly text: string;
  readonly #values = new Map<string, number>();

  constructor(text: string) {
    this.text = text;
    for (const line of text.split('\n')) {
      const [, series, value] = /^([a-zA-Z_:][^ ]*(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
      if (series !== undefined && !line.startsWith('#')) this.#values.set(series, Number(value));
    }
  }

  /** NaN when there is no such series. @param series with its labels, as it stands in the text. */
  value(series: string): number {
    return this.#values.get(series) ?? Number.NaN;
  }

  /** Over all series of this name, whose text holds all of the parts. */
  sum(name: string, ...parts: readonly string[]): number {
    let sum = 0;
    for (const [series, value] of this.#values) {
      const itsName = series.split('{', 1)[0];
      if (itsName === name && parts.every((part) => series.includes(part))) sum += value;
    }
    return sum;
  }

  /** Upper bound of the bucket that holds this quantile, of the only histogram of this name; NaN when it is empty. */
  quantile(name: string, share: number): number {
    const rank = share * this.sum(`${name}_count`);
    for (const [series, value] of this.#values) {
      const [, bound] = series.startsWith(`${name}_bucket`) ? (/le="([^"]+)"/.exec(series) ?? []) : [];
      if (bound !== undefined && value > 0 && value >= rank) return Number(bound.replace('+Inf', 'Infinity'));
    }
    return Number.NaN;
  }
}

export async function scrape(adminUrl: string): Promise<Scrape> {
  const { status, body } = await get(adminUrl, '/metrics');
  if (status !== 200) throw new Error(`/metrics answered ${status}: ${body}`);
  return new Scrape(body);
}

/** Resolves when exactly so many requests wait for the owner. */
export async function pendingRequests(adminUrl: string, count: number): Promise<void> {
  while ((await scrape(adminUrl)).value('warren_pending_requests') !== count) await pause();
}
