/** What a thread's gauge shows before its first second is over. */
import t from 'tap';
import { LOOP_CELLS, readLoop, watchLoop } from '../../../src/meter/loop-gauge.js';

t.test('a thread that has just begun is not busy, whatever its predecessor was', async (t) => {
  const cells = new Float64Array(LOOP_CELLS).fill(1);
  watchLoop(cells);
  const { utilization, lagMs, heapBytes, heapLimitBytes } = readLoop(cells);
  t.strictSame({ utilization, lagMs }, { utilization: 0, lagMs: 0 });
  t.ok(heapBytes > 1e6 && heapBytes < heapLimitBytes, `${heapBytes} of ${heapLimitBytes} bytes`);
});
