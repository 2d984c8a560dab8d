/** Registers metrics at prom-client. Their values are read at each scrape, from the parts that count them. */
import { Counter, Gauge, type Metric, type Registry } from 'prom-client';
import type { Histogram } from '../meter/histogram.js';
import type { MetricRow, Sample } from '../meter/metric-row.js';

export interface HistogramRow {
  readonly name: string;
  readonly help: string;
  /** With the label `actor`, when there is one. */
  readonly histograms: ReadonlyMap<string, Histogram>;
  /** Factor from the histogram's unit to the metric's. */
  readonly scale: number;
  /** How many buckets become one in the metric: fewer time series, less resolution. */
  readonly merged: number;
}

export function registerRow(registry: Registry, { kind, name, help, labels, read }: MetricRow): void {
  const options = { name, help, labelNames: labels, registers: [registry] };
  if (kind === 'gauge') {
    const metric: Gauge = new Gauge({
      ...options,
      collect: () => {
        metric.reset();
        for (const [values, value] of samplesOf(read())) metric.set(values, value);
      },
    });
    return;
  }
  const metric: Counter = new Counter({
    ...options,
    collect: () => {
      metric.reset();
      for (const [values, value] of samplesOf(read())) metric.inc(values, value);
    },
  });
}

export function registerHistogram(registry: Registry, row: HistogramRow): void {
  const { name, help } = row;
  const metric = { name, help, type: 'histogram', aggregator: 'sum', get: async () => read(row), reset() {} };
  // The library renders whatever `get` returns; its types know only classes of its own.
  registry.registerMetric(metric as unknown as Metric);
}

function read({ name, help, histograms, scale, merged }: HistogramRow) {
  const values: { labels: Record<string, string | number>; value: number; metricName: string }[] = [];
  for (const [actor, histogram] of histograms) {
    const labels: Record<string, string> = actor === '' ? {} : { actor };
    const distribution = histogram.read();
    const last = distribution.counts.length - 1;
    let upTo = 0;
    for (const [bucket, count] of distribution.counts.entries()) {
      upTo += count;
      if (bucket !== last && bucket % merged !== 0) continue;
      const le = bucket === last ? '+Inf' : Number((distribution.bound(bucket) * scale).toPrecision(6));
      values.push({ labels: { ...labels, le }, value: upTo, metricName: `${name}_bucket` });
    }
    values.push({ labels, value: distribution.sum * scale, metricName: `${name}_sum` });
    values.push({ labels, value: distribution.count, metricName: `${name}_count` });
  }
  return { name, help, type: 'histogram', aggregator: 'sum', values };
}

function samplesOf(read: number | readonly Sample[]): readonly Sample[] {
  return typeof read === 'number' ? [[{}, read]] : read;
}
