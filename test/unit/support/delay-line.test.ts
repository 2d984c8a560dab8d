/** The one promise that a delay must not break: what went in first comes out first. */
import t from 'tap';
import { DelayLine } from '../../support/delay-line.js';

t.test('without a delay an item comes out in the same call', async (t) => {
  const out: string[] = [];
  new DelayLine<string>((item) => out.push(item)).push('now', 0);
  t.strictSame(out, ['now']);
});

t.test('a shorter delay does not overtake a longer one', async (t) => {
  const out: string[] = [];
  await new Promise<void>((done) => {
    const line = new DelayLine<string>((item) => {
      out.push(item);
      if (item === 'third') done();
    });
    line.push('first', 30);
    line.push('second', 1);
    line.push('third', 0);
    t.equal(line.length, 3);
  });
  t.strictSame(out, ['first', 'second', 'third']);
});

t.test('nothing comes out of a line while it is held, and then all of it, in its order', async (t) => {
  const out: string[] = [];
  const all = new Promise<void>((done) => {
    const line = new DelayLine<string>((item) => {
      out.push(item);
      if (item === 'third') done();
    });
    line.push('first', 1);
    line.hold(true);
    line.push('second', 0);
    line.push('third', 5);
    setTimeout(() => {
      t.strictSame(out, []);
      line.hold(false);
    }, 10);
  });
  await all;
  t.strictSame(out, ['first', 'second', 'third']);
});

t.test('what is dropped never comes out, and what follows does', async (t) => {
  const out: string[] = [];
  await new Promise<void>((done) => {
    const line = new DelayLine<string>((item) => {
      out.push(item);
      done();
    });
    line.push('dropped', 1);
    line.drop();
    line.push('kept', 5);
  });
  t.strictSame(out, ['kept']);
});
