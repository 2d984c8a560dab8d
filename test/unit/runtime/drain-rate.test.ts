/** The measured speed of the owner, from which `Retry-After` is computed. */
import t from 'tap';
import { DrainRate } from '../../../src/runtime/drain-rate.js';

const TICK_MS = 100;

/** Ticks for `ms` milliseconds with so many answers in each tick; returns when it ended. */
function run(drain: DrainRate, from: number, ms: number, answersPerTick: number): number {
  let now = from;
  for (; now < from + ms; now += TICK_MS) {
    drain.count(answersPerTick);
    drain.tick(now + TICK_MS);
  }
  return now;
}

t.test('a steady rate is found within seconds, whatever came before', async (t) => {
  const drain = new DrainRate();
  drain.tick(0);
  t.equal(drain.perSecond, 0, 'nothing was measured yet');
  const settled = run(drain, 0, 10_000, 50);
  t.ok(Math.abs(drain.perSecond - 500) < 5, `500 a second, found ${drain.perSecond}`);
  run(drain, settled, 10_000, 5);
  t.ok(Math.abs(drain.perSecond - 50) < 5, `50 a second, found ${drain.perSecond}`);
});

t.test('answers that come in bursts count as the rate that they make together', async (t) => {
  const drain = new DrainRate();
  drain.tick(0);
  let now = 0;
  for (let burst = 0; burst < 20; burst++) now = run(drain, run(drain, now, TICK_MS, 500), 900, 0);
  t.ok(drain.perSecond > 250 && drain.perSecond < 1_000, `500 a second, found ${drain.perSecond}`);
});

t.test('an owner that stands still is soon known to', async (t) => {
  const drain = new DrainRate();
  drain.tick(0);
  const stopped = run(drain, 0, 10_000, 50);
  run(drain, stopped, 2_000, 0);
  t.ok(drain.perSecond < 250, `less than half after two seconds: ${drain.perSecond}`);
  run(drain, stopped + 2_000, 10_000, 0);
  t.ok(drain.perSecond < 5, `${drain.perSecond}`);
});

t.test('ticks that come late or twice do not distort it', async (t) => {
  const drain = new DrainRate();
  drain.tick(0);
  for (let now = 200; now <= 20_000; now += 200) {
    drain.count(100);
    drain.tick(now);
    drain.tick(now);
  }
  t.ok(Math.abs(drain.perSecond - 500) < 25, `500 a second, found ${drain.perSecond}`);
});
