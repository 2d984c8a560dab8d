/** Texts of large replies from a thread that may fail in every way a thread can. */
import t from 'tap';
import { ReplyEncoder } from '../../../../src/runtime/owner/reply-encoder.js';
import { check } from '../../../../src/runtime/values.js';

const FAULTY = new URL('./fixtures/faulty-encode.js', import.meta.url).href;
const PATIENT = { heapMb: 32, timeoutMs: 60_000 };
const large = check({ big: 10n ** 10_000n, $: [-(2n ** 20_000n)] }, 'reply');
const text = `{"big":1${'0'.repeat(10_000)},"$":[-${2n ** 20_000n}]}`;

t.test('a text is exact, whatever the reply holds beside its bigints', async (t) => {
  const encoder = new ReplyEncoder(PATIENT);
  t.equal(await encoder.encode(large), text);
  t.equal(await encoder.encode(check({ $bigint: 2n ** 70n }, 'reply')), `{"$bigint":${2n ** 70n}}`);
});

for (const [fault, problem] of [
  ['exit', /./],
  ['memory', /memory/],
] as const) {
  t.test(`a thread that ends (${fault}) fails its text alone`, async (t) => {
    const encoder = new ReplyEncoder({ ...PATIENT, entry: FAULTY });
    await t.rejects(encoder.encode(check(fault, 'reply')), { message: problem });
    t.equal(await encoder.encode(large), text);
  });
}

t.test('a text that takes too long fails, and its thread does not go on with it', async (t) => {
  const encoder = new ReplyEncoder({ ...PATIENT, timeoutMs: 200, entry: FAULTY });
  await t.rejects(encoder.encode(check('hang', 'reply')), { message: 'it took longer than 200 ms' });
});

t.test('a text whose turn was dropped holds up none after it', async (t) => {
  const encoder = new ReplyEncoder({ ...PATIENT, entry: FAULTY });
  const dropped = t.rejects(encoder.encode(check('hang', 'reply')), { message: 'its turn was dropped' });
  t.equal(await encoder.encode(large), text);
  await dropped;
});
