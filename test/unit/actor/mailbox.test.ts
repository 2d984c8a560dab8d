/** The line of messages before the owner, and its way back when a commit fails. */
import fc from 'fast-check';
import t from 'tap';
import { Mailbox } from '../../../src/actor/mailbox.js';

function takeAll(mailbox: Mailbox): number[] {
  return Array.from({ length: mailbox.waiting }, () => mailbox.take());
}

t.test('messages come out in the order in which they went in', async (t) => {
  const mailbox = new Mailbox(8);
  mailbox.deliver(Uint8Array.of(1, 2));
  mailbox.deliver(Uint8Array.of(3));
  t.equal(mailbox.waiting, 3);
  t.strictSame(takeAll(mailbox), [1, 2, 3]);
  t.equal(mailbox.waiting, 0);
  t.equal(mailbox.unanswered, 3, 'and hold their places until they are answered');
});

t.test('what was put back comes again, without what was answered', async (t) => {
  const mailbox = new Mailbox(8);
  mailbox.deliver(Uint8Array.of(1, 2, 3, 4));
  takeAll(mailbox);
  mailbox.answer(1);
  mailbox.putBack();
  t.equal(mailbox.position, 1);
  mailbox.deliver(Uint8Array.of(5));
  t.strictSame(takeAll(mailbox), [2, 3, 4, 5]);
});

t.test('an answer to a message that was never taken passes over it', async (t) => {
  const mailbox = new Mailbox(8);
  mailbox.deliver(Uint8Array.of(1, 2, 3));
  mailbox.answer(2);
  t.equal(mailbox.position, 2);
  t.strictSame(takeAll(mailbox), [3]);
});

t.test('positions count from the start and only grow, past any number of rounds of the ring', async (t) => {
  const mailbox = new Mailbox(3);
  for (let position = 0; position < 1_000; position++) {
    mailbox.deliver(Uint8Array.of(position & 0xff));
    t.equal(mailbox.position, position);
    if (mailbox.take() !== (position & 0xff)) t.fail(`at ${position}`);
    mailbox.answer(1);
  }
});

t.test('a mailbox of one message works', async (t) => {
  const mailbox = new Mailbox(1);
  for (const message of [7, 8, 9]) {
    mailbox.deliver(Uint8Array.of(message));
    t.equal(mailbox.take(), message);
    mailbox.answer(1);
  }
});

t.test('what would break the order is an error: overflow, taking nothing, answering nothing', async (t) => {
  const mailbox = new Mailbox(4);
  t.throws(() => mailbox.take(), /empty/);
  t.throws(() => mailbox.answer(1), /more answers/);
  const full = new Mailbox(4);
  full.deliver(Uint8Array.of(1, 2, 3, 4));
  takeAll(full);
  t.throws(() => full.deliver(Uint8Array.of(5)), /overflowed/, 'taken messages still hold their places');
});

t.test('it behaves as a plain list, whatever is done to it', async (t) => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('deliver' as const), messages: fc.uint8Array({ maxLength: 5 }) }),
    fc.record({ kind: fc.constantFrom('take' as const, 'answer' as const, 'putBack' as const) }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.array(step, { maxLength: 60 }), (capacity, steps) => {
      const mailbox = new Mailbox(capacity);
      const all: number[] = [];
      let answered = 0;
      let taken = 0;
      for (const step of steps) {
        if (step.kind === 'deliver') {
          if (all.length - answered + step.messages.length > capacity) continue;
          mailbox.deliver(step.messages);
          all.push(...step.messages);
        } else if (step.kind === 'take') {
          if (taken < all.length && mailbox.take() !== all[taken++]) return false;
        } else if (step.kind === 'answer') {
          if (answered === all.length) continue;
          mailbox.answer(1);
          taken = Math.max(taken, ++answered);
        } else {
          mailbox.putBack();
          taken = answered;
        }
        if (mailbox.waiting !== all.length - taken || mailbox.unanswered !== all.length - answered)
          return false;
        if (mailbox.position !== taken) return false;
      }
      return true;
    }),
    { numRuns: 2_000 },
  );
  t.pass();
});
