/** What is written at one end of the channel is read at the other, in one order, whatever way each message takes. */
import t from 'tap';
import {
  createChannel,
  readFromOwner,
  readToOwner,
  type Words,
  writeMark,
  writeReplies,
  writeToOwner,
} from '../../../src/runtime/channel.js';
import type { FromOwner, ToOwner } from '../../../src/runtime/protocol.js';
import { RingReader, RingWriter } from '../../../src/runtime/ring.js';

const MAILBOX_LIMIT = 64;

function ends() {
  const { toOwner, fromOwner } = createChannel(MAILBOX_LIMIT);
  return {
    main: { writer: new RingWriter(toOwner), reader: new RingReader(fromOwner) },
    owner: { writer: new RingWriter(fromOwner), reader: new RingReader(toOwner) },
  };
}

const asks = (...messages: number[]): ToOwner => ({ kind: 'asks', messages: Uint8Array.from(messages) });
const again = (...messages: number[]): ToOwner => ({
  kind: 'asks-again',
  messages: Uint8Array.from(messages),
});
const replies = (replies: number[], state?: number): Extract<FromOwner, { kind: 'replies' }> => ({
  kind: 'replies',
  replies: Float64Array.from(replies),
  acknowledged: state === undefined ? undefined : { epoch: 2, version: 3, state },
});

t.test('the owner reads what was written, and asks in a row as one batch', async (t) => {
  const { main, owner } = ends();
  t.strictSame(readToOwner(owner.reader), []);
  for (const message of [again(3, 0, 254), asks(1), asks(2, 0), { kind: 'stop' } as const, asks(7)]) {
    writeToOwner(main.writer, message);
  }
  t.strictSame(readToOwner(owner.reader), [again(3, 0, 254), asks(1, 2, 0), { kind: 'stop' }, asks(7)]);
  t.strictSame(readToOwner(owner.reader), []);
});

t.test('as many asks as the owner may owe fit, asked again, with a stop behind them', async (t) => {
  const { main, owner } = ends();
  const all = Array.from({ length: MAILBOX_LIMIT }, (_, i) => i);
  for (let round = 0; round < 5; round++) {
    writeToOwner(main.writer, again(...all));
    writeToOwner(main.writer, { kind: 'stop' });
    t.strictSame(readToOwner(owner.reader), [again(...all), { kind: 'stop' }]);
  }
});

t.test('replies come as they were posted, with what they have shown', async (t) => {
  const { main, owner } = ends();
  const posted = [replies([1, -1, 2 ** 53 - 1], 9), replies([], 10), replies([-2, -4]), replies([0], 0)];
  for (const message of posted) writeReplies(owner.writer, message);
  for (const message of posted) {
    t.strictSame(
      readFromOwner(main.reader, () => undefined),
      message,
    );
  }
  t.equal(
    readFromOwner(main.reader, () => undefined),
    undefined,
  );
});

t.test(
  'words keep their place among the replies, however early or late the port delivers them',
  async (t) => {
    const { main, owner } = ends();
    const away: Words = { kind: 'away', reason: 'gone' };
    const standby: Words = { kind: 'standby', reason: 'another reigns' };
    const delivered: Words[] = [];
    const read = () => readFromOwner(main.reader, () => delivered.shift());

    // Both are delivered before the ring has come to their marks.
    delivered.push(away, standby);
    writeReplies(owner.writer, replies([1], 1));
    writeMark(owner.writer);
    writeMark(owner.writer);
    writeReplies(owner.writer, replies([-4]));
    t.strictSame(
      [read(), read(), read(), read(), read()],
      [replies([1], 1), away, standby, replies([-4]), undefined],
    );

    // The mark is there first.
    writeMark(owner.writer);
    writeReplies(owner.writer, replies([2], 2));
    t.strictSame([read(), read()], [undefined, undefined], 'what stands behind it waits, too');
    delivered.push(away);
    t.strictSame([read(), read(), read()], [away, replies([2], 2), undefined]);
  },
);
