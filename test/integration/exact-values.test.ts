/** Numbers are exact at any size: each is compared, digit for digit, with plain additions of BigInts. */
import { createHash } from 'node:crypto';
import t from 'tap';
import { FibonacciOracle } from '../support/fibonacci-oracle.js';
import { get } from '../support/http-client.js';
import { RawConnection, requestBytes } from '../support/raw-connection.js';
import { startWarren } from '../support/warren-process.js';

/** F(n) by n additions, without keeping the terms before it. */
function termAt(index: number): string {
  let [a, b] = [0n, 1n];
  for (let i = 0; i < index; i++) [a, b] = [b, a + b];
  return a.toString();
}

t.test('the first 1,000 terms are exact, as number and as string', async (t) => {
  const warren = await startWarren(t, { env: { STORE: 'memory' } });
  const oracle = new FibonacciOracle();
  const connection = await RawConnection.open(t, warren.port);
  const wrong: string[] = [];
  for (let index = 1; index <= 1_000; index++) {
    for (const [path, shown, body] of [
      ['/next', index, `{"next": ${oracle.digits(index)}}`],
      ['/current', index, `{"current": ${oracle.digits(index)}}`],
      ['/current?as=string', index, `{"current": "${oracle.digits(index)}"}`],
      ['/previous', index - 1, `{"previous": ${oracle.digits(index - 1)}}`],
    ] as const) {
      connection.send(requestBytes('GET', path));
      const answer = await connection.answer();
      const header = answer?.headers.find(([name]) => name === 'Sequence-Index')?.[1];
      if (answer?.body !== body || header !== `${shown}`) wrong.push(`${path}: ${header} ${answer?.body}`);
    }
  }
  t.strictSame(wrong, []);
});

t.test('large numbers are exact over the edges of their regions', async (t) => {
  // From 512 bytes on a body leaves straight from where its digits stand; around index 2,400 both ways are taken.
  const first = 2_200;
  const warren = await startWarren(t, { env: { STORE: 'memory', INITIAL_INDEX: `${first}` } });
  let [a, b] = [BigInt(termAt(first)), BigInt(termAt(first + 1))];
  let wrong = 0;
  for (let index = first + 1; index <= first + 400; index++) {
    [a, b] = [b, a + b];
    const answer = await get(warren.url, '/next');
    if (answer.body !== `{"next": ${a}}` || answer.headers['sequence-index'] !== `${index}`) wrong++;
  }
  t.equal(wrong, 0);
});

for (const [index, digits] of [
  [100_000, 20_899],
  [1_000_000, 208_988],
] as const) {
  t.test(`F(${index}) with its ${digits} digits is exact, and so are its neighbours`, async (t) => {
    const warren = await startWarren(t, { env: { STORE: 'memory', INITIAL_INDEX: `${index}` } });
    await warren.waitForLog((line) => line.msg === 'ready', 60_000);
    // The body as a whole in one comparison: a difference would print 200,000 digits.
    const sha = (text: string) => createHash('sha256').update(text).digest('hex');
    const expected = termAt(index);
    t.equal(expected.length, digits);
    const current = await get(warren.url, '/current', { timeoutMs: 20_000 });
    t.equal(sha(current.body), sha(`{"current": ${expected}}`));
    t.equal(current.headers['content-length'], `${`{"current": ${expected}}`.length}`);
    const quoted = await get(warren.url, '/current?as=string');
    t.equal(sha(quoted.body), sha(`{"current": "${expected}"}`));
    const previous = await get(warren.url, '/previous');
    t.equal(previous.headers['sequence-index'], `${index - 1}`);
    const next = await get(warren.url, '/next', { method: 'POST' });
    t.equal(next.headers['sequence-index'], `${index + 1}`);
    const before = BigInt(previous.body.slice('{"previous": '.length, -1));
    const after = BigInt(next.body.slice('{"next": '.length, -1));
    t.ok(before + BigInt(expected) === after, 'each term is the sum of the two before it');
    t.equal(sha((await get(warren.url, '/previous')).body), sha(`{"previous": ${expected}}`));
  });
}
