/** Whether another thread still turns. The timer is the test's, so a beat is a call. */
import t, { type Test } from 'tap';
import { keepHeartbeat } from '../../../src/runtime/heartbeat.js';

const OWN = 0;
const OTHER = 1;
/** Ticks of silence after which the other side counts as hung. */
const TICKS = 10;

function setUp(t: Test, silenceMs = 1_000) {
  let tick = () => {};
  let everyMs = 0;
  let stopped = false;
  let unrefd = false;
  const timer = {
    unref: () => {
      unrefd = true;
    },
  };
  t.intercept(globalThis, 'setInterval', {
    value: (callback: () => void, ms: number) => {
      tick = callback;
      everyMs = ms;
      return timer;
    },
  });
  t.intercept(globalThis, 'clearInterval', {
    value: (cleared: unknown) => {
      stopped = cleared === timer;
    },
  });
  const words = new Int32Array(3);
  let silences = 0;
  const heartbeat = keepHeartbeat({
    words,
    own: OWN,
    other: OTHER,
    silenceMs,
    onSilence: () => {
      silences += 1;
    },
  });
  const ticks = (count: number) => {
    for (let at = 0; at < count; at++) tick();
  };
  return {
    words,
    heartbeat,
    ticks,
    everyMs: () => everyMs,
    silences: () => silences,
    stopped: () => stopped,
    unrefd: () => unrefd,
  };
}

t.test('each tick is one beat of its own, and no timer keeps the thread alive', async (t) => {
  const { words, ticks, everyMs, unrefd } = setUp(t);
  ticks(3);
  t.equal(words[OWN], 3);
  t.equal(words[OTHER], 0);
  t.equal(everyMs() * TICKS, 1_000);
  t.ok(unrefd());
});

t.test('a silence of the full time is told, once', async (t) => {
  const { heartbeat, ticks, silences } = setUp(t);
  ticks(TICKS - 1);
  t.ok(heartbeat.alive);
  t.equal(silences(), 0);
  ticks(1);
  t.notOk(heartbeat.alive);
  t.equal(silences(), 1);
  ticks(5 * TICKS);
  t.equal(silences(), 1);
});

t.test('any beat of the other side starts the count anew', async (t) => {
  const { words, heartbeat, ticks, silences } = setUp(t);
  for (let round = 0; round < 20; round++) {
    ticks(TICKS - 1);
    Atomics.add(words, OTHER, 1);
    ticks(1);
  }
  t.equal(silences(), 0);
  t.ok(heartbeat.alive);
});

t.test('a side that comes back from a silence is alive again', async (t) => {
  const { words, heartbeat, ticks, silences } = setUp(t);
  ticks(TICKS);
  Atomics.add(words, OTHER, 1);
  ticks(1);
  t.ok(heartbeat.alive);
  ticks(TICKS);
  t.equal(silences(), 2, 'and a second silence is told again');
});

t.test('a counter that overflows goes on beating', async (t) => {
  const { words, ticks, silences } = setUp(t);
  words[OTHER] = 0x7fff_ffff;
  words[OWN] = 0x7fff_ffff;
  for (let round = 0; round < 2 * TICKS; round++) {
    Atomics.add(words, OTHER, 1);
    ticks(1);
  }
  t.equal(silences(), 0);
  t.equal(words[OWN], (0x7fff_ffff + 2 * TICKS) | 0);
});

t.test('a stopped heartbeat clears its own timer', async (t) => {
  const { heartbeat, stopped } = setUp(t);
  heartbeat.stop();
  t.ok(stopped());
});
