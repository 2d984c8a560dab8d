/** Both sides of a link, against plain arrays: cells and bytes wrap around many times. */
import fc from 'fast-check';
import t from 'tap';
import { awaitBell, newBells, REPLY_BELL, REQUEST_BELL, rung } from '../../../../src/runtime/link/bell.js';
import { ByteRing } from '../../../../src/runtime/link/byte-ring.js';
import { FrontLink } from '../../../../src/runtime/link/front-link.js';
import { LEFT_OUT, linkMemory, positionAt } from '../../../../src/runtime/link/link-memory.js';
import { OwnerLink } from '../../../../src/runtime/link/owner-link.js';

const CELLS = 8;
const BYTES = 64;

function linked(first = 0, cells = CELLS, bytes = BYTES) {
  const size = { capacity: cells, requestBytes: bytes, replyBytes: bytes };
  const memory = linkMemory(size, { shard: 0, bells: newBells(), first });
  return { front: new FrontLink(memory), owner: new OwnerLink(memory) };
}

function textOf(front: FrontLink, position: number): string {
  const { offset, length } = front.read(position);
  return front.bytes.toString('utf8', offset, offset + length);
}

t.test('an owner sees what was published, and nothing before that', async (t) => {
  const { front, owner } = linked(5);
  t.equal(owner.look(), 5);
  front.push(3, 'ü', Buffer.from('{"a":"ß"}'));
  t.equal(owner.look(), 5);
  t.ok(front.publish());
  t.notOk(front.publish(), 'there is nothing new');
  t.equal(owner.look(), 6);
  t.strictSame([owner.messageAt(5), owner.keyAt(5), owner.bodyAt(5)], [3, 'ü', '{"a":"ß"}']);
  t.equal(front.keyAt(5), 'ü');
});

t.test('an empty key is empty, and an empty body is none', async (t) => {
  const { front, owner } = linked();
  front.push(0);
  front.push(1, '', Buffer.from('body'));
  front.push(2, 'key');
  t.strictSame([owner.keyAt(0), owner.bodyAt(0)], ['', undefined]);
  t.strictSame([owner.keyAt(1), owner.bodyAt(1)], ['', 'body']);
  t.strictSame([owner.keyAt(2), owner.bodyAt(2)], ['key', undefined]);
});

t.test('no room is told, for cells and for bytes, and changes nothing', async (t) => {
  const { front, owner } = linked();
  for (let at = 0; at < CELLS; at++) t.ok(front.push(at));
  t.notOk(front.push(9));
  t.equal(front.end, CELLS);
  owner.release(1);
  t.notOk(front.push(9), 'a reply that was not collected still takes its cell');
  front.collect(1);
  t.ok(front.push(9));

  const other = linked();
  t.notOk(other.front.push(0, '', Buffer.alloc(BYTES + 1)));
  t.ok(other.front.push(0, '', Buffer.alloc(BYTES)));
  t.notOk(other.front.push(0, '', Buffer.alloc(1)));
  t.ok(other.front.push(0), 'what takes no bytes still fits');
  t.equal(other.front.end, 2);
});

t.test('a reply has no room until those before it are collected', async (t) => {
  const { front, owner } = linked();
  for (let at = 0; at < 3; at++) front.push(at);
  const text = 'x'.repeat(20);
  t.ok(owner.reply(0, 1, 0, text));
  t.notOk(owner.reply(1, 1, 0, text));
  owner.release(1);
  t.notOk(owner.reply(1, 1, 0, text));
  t.equal(textOf(front, 0), text);
  front.collect(1);
  t.ok(owner.reply(1, 1, 0, text));
});

t.test('an empty link has room for whatever is not larger, wherever its ring stands', async (t) => {
  for (let at = 0; at <= BYTES; at++) {
    const { front, owner } = linked();
    front.push(0, '', Buffer.alloc(at));
    owner.reply(0, 1, 0, 'x'.repeat(at / 3));
    owner.release(1);
    front.collect(1);
    t.ok(front.push(1, '', Buffer.alloc(BYTES)), `behind ${at} bytes`);
    t.ok(owner.reply(1, 1, 0, 'x'.repeat(BYTES / 3)));
    t.notOk(front.push(2, '', Buffer.alloc(1)));
  }
});

t.test('replies that were not released are written again', async (t) => {
  const { front, owner } = linked();
  for (let at = 0; at < 3; at++) front.push(at);
  owner.reply(0, 1, 0, 'first');
  owner.reply(1, 1, 0, 'second');
  owner.release(1);
  owner.reply(1, 4, 409, 'zweite ü');
  owner.release(2);
  const { kind, detail, ascii } = front.read(1);
  t.strictSame(
    { kind, detail, ascii, text: textOf(front, 1) },
    { kind: 4, detail: 409, ascii: false, text: 'zweite ü' },
  );
  t.equal(textOf(front, 0), 'first');
  t.ok(front.read(0).ascii);
});

t.test('positions go on past 2^31 and 2^32', async (t) => {
  for (const start of [2 ** 31 - 3, 2 ** 32 - 3, 5 * 2 ** 32 - 3]) {
    const { front, owner } = linked(start);
    for (let at = 0; at < 20; at++) {
      if (!front.push(at, `${at}`)) throw new Error(`no room for ${at}`);
      front.publish();
      t.equal(owner.look(), start + at + 1);
      t.equal(owner.keyAt(start + at), `${at}`);
      owner.reply(start + at, 1, 0, `reply ${at}`);
      const group = new Int32Array([at, -1, 2 ** 31 - 1, 0]);
      owner.publish(group, start + at + 1);
      t.strictSame(front.published(), {
        group: Buffer.from(group.buffer).toString('hex'),
        until: start + at + 1,
      });
      owner.release(start + at + 1);
      t.equal(front.released(), start + at + 1);
      t.equal(textOf(front, start + at), `reply ${at}`);
      front.collect(start + at + 1);
    }
    t.equal(positionAt((start + 7) | 0, start), start + 7);
  }
});

t.test('a wait ends when there is something new, for either side', async (t) => {
  const { front, owner } = linked();
  const { bells } = front.memory;
  const heard = (bell: number) =>
    new Promise<void>((resolve) => awaitBell(bells, bell, rung(bells, bell), resolve));
  const asked = heard(REQUEST_BELL);
  front.push(0);
  t.notOk(owner.hasNews);
  front.publish();
  await asked;
  t.ok(owner.hasNews);
  owner.look();
  t.notOk(owner.hasNews);
  const before = rung(bells, REPLY_BELL);
  const replied = heard(REPLY_BELL);
  owner.reply(0, 1, 0, 'x');
  owner.release(1);
  await replied;
  await new Promise<void>((resolve) => awaitBell(bells, REPLY_BELL, before, resolve));
  const room = new Promise<void>((resolve) => owner.waitForRoom(resolve));
  front.collect(1);
  await room;
  t.pass('all have ended, also the one for what was there already');
});

t.test('requests and replies are those of plain arrays, whatever the order', async () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 8 });
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('push' as const), key: text, body: text, out: fc.nat(9) }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('reply' as const), text, count: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), count: fc.nat(5) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('collect' as const), count: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('again' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('successor' as const) }) },
  );
  let refusals = 0;
  let wraps = 0;
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 200, size: 'max' }),
      fc.constantFrom(0, 2 ** 32 - 20),
      (steps, first) => {
        let { front, owner } = linked(first);
        const requests: { message: number; key: string; body: string }[] = [];
        const replies: string[] = [];
        let released = 0;
        let collected = 0;
        for (const [at, step] of steps.entries()) {
          if (step.kind === 'push') {
            const body = Buffer.from(step.body);
            const fits = front.push(at, step.key, body);
            if (fits && step.out === 0) front.leaveOut(first + requests.length);
            const message = step.out === 0 ? LEFT_OUT : at;
            if (fits) requests.push({ message, key: step.key, body: step.body });
            else refusals += 1;
            const idle = requests.length === collected;
            if (!fits && idle && 3 * step.key.length + body.length <= BYTES)
              throw new Error('an empty link has room');
            if (front.publish() !== fits) throw new Error('publish tells whether there is something new');
          } else if (step.kind === 'reply') {
            for (let n = 0; n <= step.count && replies.length < requests.length; n++) {
              if (!owner.reply(first + replies.length, 1, replies.length, step.text)) break;
              replies.push(step.text);
            }
          } else if (step.kind === 'release') {
            released = Math.min(replies.length, released + step.count);
            owner.release(first + released);
          } else if (step.kind === 'collect') {
            if (front.released() !== first + released) throw new Error('released');
            const until = Math.min(released, collected + step.count);
            for (; collected < until; collected++) {
              if (textOf(front, first + collected) !== replies[collected])
                throw new Error(`reply ${collected}`);
              if (front.read(first + collected).detail !== collected) throw new Error(`detail ${collected}`);
            }
            front.collect(first + collected);
          } else if (step.kind === 'again') replies.length = released;
          else {
            // The owner has died: what was released is collected, and the rest goes to its successor.
            for (; collected < released; collected++)
              if (textOf(front, first + collected) !== replies[collected])
                throw new Error(`reply ${collected}`);
            front.collect(first + collected);
            const next = linked(first + collected);
            for (let position = first + collected; position < front.end; position++)
              next.front.pushAgain(front, position);
            next.front.publish();
            replies.length = released;
            ({ front, owner } = next);
          }
          if (owner.look() !== first + requests.length) throw new Error('all that was published is seen');
          for (let position = collected; position < requests.length; position++) {
            const { message, key, body } = requests[position] as (typeof requests)[0];
            const seen = [
              owner.messageAt(first + position),
              owner.keyAt(first + position),
              owner.bodyAt(first + position),
            ];
            if (JSON.stringify(seen) !== JSON.stringify([message, key, body === '' ? undefined : body]))
              throw new Error(`request ${position} is seen as ${JSON.stringify(seen)}`);
          }
        }
        if (requests.length > CELLS) wraps += 1;
      },
    ),
  );
  if (refusals === 0 || wraps === 0) throw new Error(`${refusals} without room, ${wraps} around the end`);
});

t.test('a byte ring never gives away what is in use', async () => {
  const step = fc.record({ reserved: fc.integer({ min: 1, max: 40 }), used: fc.nat(40), free: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100, size: 'max' }), (steps) => {
      const ring = new ByteRing(BYTES);
      let pieces: { head: number; offset: number; length: number }[] = [];
      for (const { reserved, used, free } of steps) {
        const offset = ring.reserve(reserved, pieces[0]?.head);
        const { head } = ring;
        if (offset !== undefined) {
          if (offset + reserved > BYTES) throw new Error('a piece lies in one stretch');
          for (const piece of pieces)
            if (offset < piece.offset + piece.length && piece.offset < offset + reserved)
              throw new Error('overlap');
          const length = Math.min(used, reserved);
          ring.take(length, reserved);
          if (length > 0) pieces.push({ head, offset, length });
        }
        pieces = pieces.slice(free);
      }
    }),
  );
});
