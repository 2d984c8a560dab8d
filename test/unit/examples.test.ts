/** The examples in the documents do what their READMEs say, restarts and lost commits included. */
import t from 'tap';
import invoiceNumbers from '../../docs/examples/invoice-numbers/invoice-numbers.js';
import rateLimit from '../../docs/examples/rate-limit/rate-limit.js';
import tickets from '../../docs/examples/tickets/tickets.js';
import wallet from '../../docs/examples/wallet/wallet.js';
import { TestActor } from '../../src/testing/test-actor.js';

t.test('tickets: each seat is sold once, and never more than there are', async (t) => {
  const actor = new TestActor(tickets);
  t.strictSame(await actor.ask('berlin', 'take', { seats: 2 }), { ok: true, reply: { from: 1, seats: 2 } });
  actor.restart();
  t.match(await actor.ask('berlin', 'take', { seats: 97 }), { reply: { from: 3 } });
  const refusal = { code: 'sold-out', status: 409, details: { left: 1 } };
  t.strictSame(await actor.ask('berlin', 'take', { seats: 2 }), { ok: false, refusal });
  for (const seats of [0, -1, 1.5])
    t.match(await actor.ask('berlin', 'take', { seats }), { refusal: { status: 422 } });
  t.match(await actor.ask('berlin', 'left'), { reply: { left: 1 } });
  t.match(await actor.ask('hamburg', 'left'), { reply: { left: 100 } });
  t.strictSame(actor.stored('berlin'), { next: 100, left: 1 });
});

t.test('invoice numbers: each number is open, confirmed or void, whatever is lost', async (t) => {
  const actor = new TestActor(invoiceNumbers, { now: 1000 });
  const key = 'RE-2026';
  t.match(await actor.ask(key, 'configure', { prefix: 'RE26/', width: 4 }), { ok: true });
  t.match(await actor.ask(key, 'reserve'), { reply: { number: 'RE26/0001' } });
  actor.crash('before-commit');
  await t.rejects(actor.ask(key, 'reserve'), { code: 'connection-lost' });
  t.match(await actor.ask(key, 'reserve'), { reply: { number: 'RE26/0002' } }, 'a lost commit leaves no gap');
  actor.crash('after-commit');
  await t.rejects(actor.ask(key, 'reserve'), { code: 'connection-lost' });
  t.strictSame((await actor.ask(key, 'open')).reply, {
    'RE26/0001': 1000,
    'RE26/0002': 1000,
    'RE26/0003': 1000,
  });
  t.match(await actor.ask(key, 'confirm', { number: 'RE26/0001' }), { ok: true });
  actor.advance(500);
  t.match(await actor.ask(key, 'void', { number: 'RE26/0003', reason: 'no answer' }), { ok: true });
  for (const number of ['RE26/0001', 'RE26/0003', 'RE26/0009', 'toString']) {
    t.match(await actor.ask(key, 'confirm', { number }), {
      refusal: { code: 'not-open', details: { number } },
    });
    t.match(await actor.ask(key, 'void', { number, reason: 'x' }), { refusal: { code: 'not-open' } });
  }
  t.match(await actor.ask(key, 'configure', { prefix: '', width: 1 }), { refusal: { code: 'already-used' } });
  t.strictSame((await actor.ask(key, 'voids')).reply, [
    { number: 'RE26/0003', reason: 'no answer', at: 1500 },
  ]);
  t.match(await actor.ask('GS-2026', 'reserve'), { reply: { number: 'GS-2026-00001' } });
});

t.test('wallet: no cent is rounded, and nothing is withdrawn that is not there', async (t) => {
  const actor = new TestActor(wallet);
  t.match(await actor.ask('ada', 'deposit', { amount: '0.10' }), { reply: { balance: '0.10' } });
  t.match(await actor.ask('ada', 'deposit', { amount: '0.20' }), { reply: { balance: '0.30' } });
  t.match(await actor.ask('ada', 'deposit', { amount: '900719925474099.30' }), {
    reply: { balance: '900719925474099.60' },
  });
  actor.restart();
  t.match(await actor.ask('ada', 'withdraw', { amount: '900719925474099.61' }), {
    ok: false,
    refusal: { code: 'insufficient', status: 409, details: { balance: '900719925474099.60' } },
  });
  t.match(await actor.ask('ada', 'withdraw', { amount: '900719925474099.60' }), {
    reply: { balance: '0.00' },
  });
  t.strictSame(actor.stored('ada'), { cents: 0n });
  for (const amount of ['1', '-1.00', '1.005', 'x']) {
    await t.rejects(actor.ask('ada', 'deposit', { amount }), {
      code: 'input-invalid',
      message: /looks like 12.34/,
    });
  }
  t.match(await actor.ask('bob', 'balance'), { reply: { balance: '0.00' } });
});

t.test('rate limit: ten at once, five a second, and a full bucket is no fuller', async (t) => {
  const actor = new TestActor(rateLimit, { now: 1_800_000_000_000 });
  for (let left = 9; left >= 0; left--)
    t.match(await actor.ask('key', 'take'), { reply: { remaining: left } });
  t.match(await actor.ask('key', 'take'), {
    refusal: { code: 'slow-down', status: 429, details: { retryAfterMs: 200 } },
  });
  actor.advance(200);
  t.match(await actor.ask('key', 'take'), { reply: { remaining: 0 } });
  t.match(await actor.ask('key', 'take'), { ok: false });
  actor.advance(3_600_000);
  t.match(await actor.ask('key', 'remaining'), { reply: { remaining: 10 } });
});
