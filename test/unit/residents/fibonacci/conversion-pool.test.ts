/** Conversions on real threads, which fail in every way that we know of: reported, tried again, never the end of the process. */
import t, { type Test } from 'tap';
import type { WarrenError } from '../../../../src/errors.js';
import {
  type ConversionOptions,
  ConversionPool,
} from '../../../../src/residents/fibonacci/conversion-pool.js';
import { fibonacciPair } from '../../../../src/residents/fibonacci/fibonacci.js';

const FAULTY = new URL('./fixtures/faulty-format.js', import.meta.url).href;
const NEVER = new AbortController().signal;
const INDEX = 20_000;
const EXPECTED = fibonacciPair(INDEX).map(String);

function setUp(t: Test, options: Partial<ConversionOptions> = {}) {
  const failures: WarrenError[] = [];
  const held: ConversionOptions = {
    threads: 2,
    heapMb: 64,
    timeoutMs: 60_000,
    onProgress: () => {},
    onFailure: (error) => {
      failures.push(error);
      delete process.env['FORMAT_FAULT'];
    },
  };
  Object.defineProperties(held, Object.getOwnPropertyDescriptors(options));
  const pool = new ConversionPool(held);
  t.teardown(() => {
    delete process.env['FORMAT_FAULT'];
  });
  return { pool, failures };
}

for (const threads of [1, 2]) {
  t.test(`an index becomes two decimal terms on ${threads} threads`, async (t) => {
    const { pool, failures } = setUp(t, { threads });
    t.strictSame(await pool.convert(INDEX, NEVER), EXPECTED);
    t.strictSame(await pool.convert(0, NEVER), ['0', '1']);
    t.strictSame(failures, []);
    t.equal(pool.conversions, 2);
    t.ok(pool.tookMs > 0);
  });
}

for (const [fault, reason] of [
  ['load', 'a thread that fails before its first task'],
  ['task', 'a task that fails'],
  ['exit', 'a thread that ends'],
  ['memory', 'a thread that runs out of memory'],
] as const) {
  t.test(`${reason} is reported under a code of its own, and the conversion is tried again`, async (t) => {
    const { pool, failures } = setUp(t, { entry: FAULTY });
    process.env['FORMAT_FAULT'] = fault;
    t.strictSame(await pool.convert(INDEX, NEVER), EXPECTED);
    t.ok(failures.length > 0 && failures.every(({ code }) => code === 'format-failing'), `${failures}`);
    t.equal(pool.failures, failures.length);
  });
}

t.test('a thread that hangs is given up after its time, and the conversion is tried again', async (t) => {
  let timeoutMs = 500;
  const { pool, failures } = setUp(t, {
    entry: FAULTY,
    get timeoutMs() {
      return timeoutMs;
    },
    onFailure: (error) => {
      failures.push(error);
      delete process.env['FORMAT_FAULT'];
      timeoutMs = 60_000;
    },
  });
  process.env['FORMAT_FAULT'] = 'hang';
  t.strictSame(await pool.convert(INDEX, NEVER), EXPECTED);
  t.match(failures, [{ code: 'format-failing', message: /longer than 500 ms/ }]);
});

t.test('an aborted conversion ends, and is no failure', async (t) => {
  const { pool, failures } = setUp(t, { entry: FAULTY });
  process.env['FORMAT_FAULT'] = 'hang';
  const abort = new AbortController();
  const conversion = pool.convert(INDEX, abort.signal);
  setImmediate(() => abort.abort());
  t.equal(await conversion, undefined);
  t.equal(await pool.convert(INDEX, abort.signal), undefined, 'nor does it begin');
  t.strictSame(failures, []);
});
