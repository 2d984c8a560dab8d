/** Replies with bigints of hundreds of thousands of digits, which are encoded on a thread of their own. */
import t from 'tap';
import { serveCounters } from '../support/actor-server.js';
import { ask, post } from '../support/json-client.js';

const warren = await serveCounters(t, { FAULTS: 'on' });
const { url } = warren;

/** JSON parsers round such numbers, so the text is read. */
async function text(path: string, body: object): Promise<string> {
  const answer = await fetch(url + path, { method: 'POST', body: JSON.stringify(body) });
  return answer.text();
}

function digitsOf(n: number, digits: number): string {
  return `1${`${n}`.padStart(digits - 1, '0')}`;
}

t.test(
  'a bigint of 300,000 digits arrives to the last digit, and in order with all other replies',
  async (t) => {
    const digits = 300_000;
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, at) => {
        if (at % 5 !== 2) return (await post(url, '/counter/a/add')).body as number;
        const reply = await text('/counter/a/add-digits', { digits });
        const n = Number(/"n":(\d+)/.exec(reply)?.[1]);
        t.ok(reply === `{"big":${digitsOf(n - 1, digits)},"n":${n}}`, `reply ${n} is exact`);
        return n;
      }),
    );
    t.strictSame(
      answers.toSorted((a, b) => a - b),
      Array.from({ length: 20 }, (_, at) => at + 1),
    );
    t.match(await ask(url, '/counter/a/get'), { body: 20 });
  },
);

t.test('a refusal may have such details', async (t) => {
  const digits = 50_000;
  const answer = await text('/counter/b/refuse-digits', { digits });
  t.match(answer, `"details":${digitsOf(0, digits)}`);
});

t.test('a reply that is too large in decimal fails its turn, and the state is as it was', async (t) => {
  t.match(await post(url, '/counter/c/add'), { body: 1 });
  // Its hexadecimal digits are within REPLY_LIMIT_KB.
  const { status, body } = await post(url, '/counter/c/add-digits', JSON.stringify({ digits: 1_100_000 }));
  t.match([status, body], [500, { code: 'behavior-failed', detail: /reply is larger than 1048576 bytes/ }]);
  t.match(await ask(url, '/counter/c/get'), { body: 1 });
  t.ok(warren.logs.some(({ msg }) => msg === 'a behavior failed'));
});

t.test('an owner that dies over such replies gives each of them once', async (t) => {
  const digits = 300_000;
  let arrived = 0;
  const ns = await Promise.all(
    Array.from({ length: 6 }, async () => {
      const reply = await text('/counter/d/add-digits', { digits });
      arrived += 1;
      // The next one is on its way, or being encoded.
      if (arrived <= 2) warren.kill('SIGUSR2');
      return Number(/"n":(\d+)\}$/.exec(reply)?.[1]);
    }),
  );
  t.strictSame(ns.toSorted(), [1, 2, 3, 4, 5, 6]);
  await warren.waitForLog(({ msg }) => `${msg}`.startsWith('the owner died'));
});
