import t from 'tap';
import { ratios, rotated, spread, summarize } from '../../../bench/statistics.js';

t.test('the median is the middle figure, or the mean of the middle two', async (t) => {
  t.same(summarize([3, 1, 2]), { median: 2, min: 1, max: 3 });
  t.same(summarize([4, 1, 2, 3]), { median: 2.5, min: 1, max: 4 });
  t.same(summarize([7]), { median: 7, min: 7, max: 7 });
});

t.test('a round without a figure is left out', async (t) => {
  t.same(summarize([Number.NaN, 5, 1]), { median: 3, min: 1, max: 5 });
  t.ok(Number.isNaN(summarize([Number.NaN]).median));
  t.ok(Number.isNaN(summarize([]).median));
});

t.test('figures are not sorted as text, and not in place', async (t) => {
  const figures = [10, 9, 100];
  t.equal(summarize(figures).median, 10);
  t.same(figures, [10, 9, 100]);
});

t.test('the spread is half of the range, as a part of the median', async (t) => {
  t.equal(spread({ median: 100, min: 95, max: 105 }), 0.05);
  t.equal(spread({ median: 0, min: 0, max: 0 }), 0);
});

t.test('a ratio is taken within each round, so a slow round of the machine cancels out', async (t) => {
  t.same(ratios([80, 40, 160], [100, 50, 200]), { median: 0.8, min: 0.8, max: 0.8 });
  t.same(ratios([80, 60], [100, 50]), { median: 1, min: 0.8, max: 1.2 });
});

t.test('a round that the baseline lacks does not count', async (t) => {
  t.same(ratios([1, 2, 3], [2, 0]), { median: 0.5, min: 0.5, max: 0.5 });
  t.ok(Number.isNaN(ratios([1], []).median));
});

t.test('over the rounds everyone begins once', async (t) => {
  const rounds = [0, 1, 2, 3].map((round) => rotated(['a', 'b', 'c'], round).join(''));
  t.same(rounds, ['abc', 'bca', 'cab', 'abc']);
  t.same(rotated([], 3), []);
});
