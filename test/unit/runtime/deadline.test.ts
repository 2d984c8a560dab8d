/** A bound in time on a promise. */
import t from 'tap';
import { deadline } from '../../../src/runtime/deadline.js';
import { FakeClock } from './fake-clock.js';

t.test('a promise that settles in time is passed on, and its timer is cancelled', async (t) => {
  const clock = new FakeClock();
  t.equal(await deadline(clock, 100, Promise.resolve('value')), 'value');
  await t.rejects(deadline(clock, 100, Promise.reject(new Error('why'))), { message: 'why' });
  await new Promise(setImmediate);
  t.equal(clock.timers, 0);
});

t.test('past the bound the outcome is unknown, whatever the promise does later', async (t) => {
  const clock = new FakeClock();
  let settle: { resolve: (value: string) => void; reject: (error: Error) => void } | undefined;
  for (const late of ['resolve', 'reject'] as const) {
    const bounded = deadline(
      clock,
      100,
      new Promise<string>((resolve, reject) => {
        settle = { resolve, reject };
      }),
    );
    clock.advance(99);
    clock.advance(1);
    await t.rejects(bounded, { code: 'store-unreachable', message: /within 100 ms/ });
    if (late === 'resolve') settle?.resolve('late');
    else settle?.reject(new Error('late'));
    // A rejection that nobody handled would end this process.
    await new Promise(setImmediate);
  }
});
