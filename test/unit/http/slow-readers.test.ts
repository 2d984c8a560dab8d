/** Copies for slow readers, with readers that the test plays: bounded together, and the slowest is cut first. */
import t, { type Test } from 'tap';
import { type SlowReader, SlowReaders } from '../../../src/http/slow-readers.js';

const KIB = 1024;
const BODY = 32 * KIB;

function setUp(t: Test, bodies: number, timeoutMs = 1e9) {
  const slow = new SlowReaders({ bytes: bodies * BODY, timeoutMs });
  t.teardown(() => slow.close());
  const cuts: string[] = [];
  const reader = (name: string): SlowReader => {
    const one: SlowReader = {
      progressAt: performance.now(),
      nudge: () => {},
      cut: () => {
        cuts.push(name);
        slow.release(one);
      },
    };
    return one;
  };
  return { slow, cuts, reader };
}

t.test('a copy is kept until it is released', async (t) => {
  const { slow, reader } = setUp(t, 2);
  const one = reader('one');
  const source = new Uint8Array(BODY).fill(7);
  t.equal(slow.room, Number.POSITIVE_INFINITY, 'as long as no reader was slow');
  const copy = slow.keep(one, source);
  source.fill(0);
  t.ok(copy?.every((byte) => byte === 7));
  t.strictSame([slow.count, slow.bytes, slow.room], [1, BODY, 1]);
  slow.release(one);
  slow.release(one);
  t.strictSame([slow.count, slow.bytes, slow.room], [0, 0, 2]);
});

t.test('while memory is short, readers are waited for at first, and then the slowest is cut', async (t) => {
  const { slow, cuts, reader } = setUp(t, 2);
  const [first, second] = [reader('first'), reader('second')];
  slow.keep(first, new Uint8Array(BODY));
  slow.keep(second, new Uint8Array(BODY));
  t.equal(slow.room, 0);
  t.strictSame(cuts, [], 'both may be done in a moment');
  while (slow.room === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  t.strictSame([cuts, slow.cut], [['first'], 1], 'one is enough');
});

t.test('a body that must be copied now takes the place of the slowest', async (t) => {
  const { slow, cuts, reader } = setUp(t, 2);
  for (const name of ['slowest', 'slow', 'new']) t.ok(slow.keep(reader(name), new Uint8Array(BODY)));
  t.strictSame(cuts, ['slowest']);
  t.ok(slow.bytes <= slow.limitBytes);
  t.equal(slow.keep(reader('too large'), new Uint8Array(3 * BODY)), undefined);
});

t.test('a reader that stands still for longer than it may is cut', async (t) => {
  const { slow, reader } = setUp(t, 2, 50);
  const alive = setInterval(() => {}, 1_000);
  t.teardown(() => clearInterval(alive));
  await new Promise<void>((resolve) => {
    slow.keep({ ...reader('still'), cut: resolve }, new Uint8Array(BODY));
  });
  t.equal(slow.cut, 1);
});
