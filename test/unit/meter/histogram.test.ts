/** Buckets, quantiles and differences of histograms, on known values. */
import t from 'tap';
import { cellsOf, Histogram, LATENCY_MS, SIZE } from '../../../src/meter/histogram.js';

t.test('each value is counted in the first bucket whose bound it does not exceed', async (t) => {
  for (const value of [0, 1, 1.5, 2, 3, 4, 5, 1023, 1024, 1025, 2 ** 20, 2 ** 20 + 1, 1e12]) {
    const histogram = new Histogram(SIZE);
    histogram.record(value);
    const read = histogram.read();
    const bucket = read.counts.indexOf(1);
    t.ok(value <= read.bound(bucket), `${value} is within its bound`);
    t.ok(bucket === 0 || value > read.bound(bucket - 1), `${value} is beyond the bound before`);
    t.equal(read.sum, value);
  }
});

t.test('a quantile is off by no more than its bucket is wide', async (t) => {
  const histogram = new Histogram(LATENCY_MS);
  for (let ms = 1; ms <= 1000; ms++) histogram.record(ms);
  const read = histogram.read();
  for (const share of [0.01, 0.5, 0.9, 0.99, 1]) {
    const found = read.quantile(share) as number;
    const exact = share * 1000;
    t.ok(found / exact < 2 ** 0.25 && exact / found < 2 ** 0.25, `${share}: ${found} for ${exact}`);
  }
  t.equal(read.mean, 500.5);
});

t.test('an empty histogram has neither mean nor quantile', async (t) => {
  const read = new Histogram(LATENCY_MS).read();
  t.equal(read.quantile(0.5), undefined);
  t.equal(read.mean, undefined);
});

t.test('what came between two readings is their difference', async (t) => {
  const histogram = new Histogram(LATENCY_MS);
  histogram.record(1, 10);
  const before = histogram.read();
  histogram.record(100, 5);
  const between = histogram.read().since(before);
  t.match(between, { count: 5, sum: 500, mean: 100 });
  t.ok((between.quantile(0.01) as number) > 50, 'the earlier values are out of it');
});

t.test('two histograms on the same memory show the same', async (t) => {
  const bytes = cellsOf(SIZE) * Float64Array.BYTES_PER_ELEMENT;
  const memory = new SharedArrayBuffer(bytes);
  new Histogram(SIZE, new Float64Array(memory)).record(7);
  t.match(new Histogram(SIZE, new Float64Array(memory)).read(), { count: 1, sum: 7 });
});
