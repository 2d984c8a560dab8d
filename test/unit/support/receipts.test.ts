/** Receipts of commands, as a verifier sees them. */
import t from 'tap';
import type { HttpAnswer } from '../../../src/verify/http-client.js';
import { Receipts } from '../../../src/verify/receipts.js';

const naming = (commit: string | undefined) => ({ headers: { commit } }) as unknown as HttpAnswer;

t.test('a commit may be anything but lower than one that was known before', async (t) => {
  const receipts = new Receipts();
  const early = receipts.known;
  t.equal(receipts.check(naming('0.2.17'), receipts.known), undefined);
  t.equal(receipts.check(naming('0.2.16'), early), undefined, 'it was under way at the same time');
  t.match(receipts.check(naming('0.2.16'), receipts.known), /0\.2\.16, and 0\.2\.17 was known/);
  t.equal(receipts.check(naming('0.3.17'), receipts.known), undefined);
  t.match(receipts.check(naming('0.2.90'), receipts.known), /was known/, 'an older epoch');
  t.equal(receipts.check(naming('0.3.17'), receipts.known), undefined, 'the same');
});

t.test('commits of different shards are not compared', async (t) => {
  const receipts = new Receipts();
  t.equal(receipts.check(naming('57.2.7'), receipts.known), undefined);
  const { known } = receipts;
  t.equal(receipts.check(naming('14.2.3'), known), undefined);
  t.equal(receipts.check(naming('14.2.2'), known), undefined, 'it was under way at the same time');
  t.match(receipts.check(naming('14.2.2'), receipts.known), /14\.2\.2, and 14\.2\.3 was known/);
  t.match(receipts.check(naming('57.2.6'), receipts.known), /57\.2\.6, and 57\.2\.7 was known/);
});

t.test('what names no commit was not gated, and what cannot be read is told', async (t) => {
  const receipts = new Receipts();
  t.equal(receipts.check(naming(undefined), receipts.known), undefined);
  for (const text of ['', '17', '0.1', '0.a.1', '0.1.1.1', '1.1.']) {
    t.match(receipts.check(naming(text), []), /200 with the commit/, text);
  }
});
