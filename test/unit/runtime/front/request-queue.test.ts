/** The queue of unanswered requests: it outlives owners, and each request is answered once. */
import fc from 'fast-check';
import t from 'tap';
import { RequestQueue, type Responder } from '../../../../src/runtime/front/request-queue.js';
import { newBells } from '../../../../src/runtime/link/bell.js';
import { LEFT_OUT } from '../../../../src/runtime/link/link-memory.js';
import { OwnerLink } from '../../../../src/runtime/link/owner-link.js';
import { BEFORE, JSON_REPLY, NOTHING } from '../../../../src/runtime/link/reply-kind.js';

const CAPACITY = 8;
const WORDS = new Int32Array([1, 2, 3, 4]);
const GROUP = Buffer.from(WORDS.buffer).toString('hex');

class Rig {
  readonly answers = new Map<string, string[]>();
  readonly errors: unknown[] = [];
  readonly queue = new RequestQueue(
    {
      size: { capacity: CAPACITY, requestBytes: 512, replyBytes: 512 },
      shard: 0,
      onReply: () => {},
      onError: (error) => this.errors.push(error),
    },
    newBells(),
  );
  owner = new OwnerLink(this.queue.link.memory);
  pending: ReturnType<RequestQueue['relink']>['pending'];

  ask(name: string, now = 0, body = `body of ${name}`): number | undefined {
    return this.queue.ask(1, name, Buffer.from(body), '', this.responder(name), now);
  }

  responder(name: string): Responder {
    const answered = (what: string) => this.answers.set(name, [...(this.answers.get(name) ?? []), what]);
    return {
      reply: ({ offset, length }, bytes) => answered(bytes.toString('utf8', offset, offset + length)),
      refuse: (code) => answered(code),
    };
  }

  die(): void {
    const { memory, pending } = this.queue.relink(newBells());
    this.owner = new OwnerLink(memory);
    this.pending = pending;
  }

  /** What the owner sees from here on. */
  get seen(): string[] {
    const seen: string[] = [];
    const end = this.owner.look();
    for (let position = this.queue.link.collected; position < end; position++) {
      const key = this.owner.keyAt(position);
      const told = this.owner.bodyAt(position) === `body of ${key}` ? key : `${key}?`;
      seen.push(this.owner.messageAt(position) === LEFT_OUT ? `-${position}` : `${told}@${position}`);
    }
    return seen;
  }
}

t.test('a successor gets what was not answered, at the same positions, with keys and bodies', async (t) => {
  const rig = new Rig();
  for (const name of ['a', 'bü', 'c', 'd']) rig.ask(name);
  rig.queue.publish();
  rig.owner.reply(0, JSON_REPLY, 0, 'A');
  rig.owner.reply(1, JSON_REPLY, 0, 'never released');
  rig.owner.release(1);
  rig.ask('e');
  rig.die();
  t.strictSame(rig.answers, new Map([['a', ['A']]]), 'what was released is handed out');
  t.strictSame(rig.seen, ['bü@1', 'c@2', 'd@3', 'e@4']);
  t.equal(rig.pending, undefined);
  rig.die();
  t.strictSame(rig.seen, ['bü@1', 'c@2', 'd@3', 'e@4'], 'and so does the one after it');
  for (const [position, text] of [
    [1, 'B'],
    [2, 'C'],
    [3, 'D'],
    [4, 'E'],
  ] as const)
    rig.owner.reply(position, JSON_REPLY, 0, text);
  rig.owner.release(5);
  rig.queue.collect();
  t.strictSame([...rig.answers.values()], [['A'], ['B'], ['C'], ['D'], ['E']]);
  t.equal(rig.queue.count, 0);
  t.equal(rig.queue.answered, 5);
});

t.test('a request that is withdrawn before the owner was shown it is left out', async (t) => {
  const rig = new Rig();
  rig.ask('a');
  rig.queue.publish();
  const b = rig.ask('b') as number;
  rig.ask('c');
  rig.queue.withdraw(0);
  rig.queue.withdraw(b);
  rig.queue.publish();
  t.strictSame(rig.seen, ['a@0', '-1', 'c@2'], 'one that was shown takes its turn');
  rig.die();
  t.strictSame(rig.seen, ['a@0', '-1', 'c@2']);
  rig.owner.reply(0, JSON_REPLY, 0, 'A');
  rig.owner.reply(1, NOTHING, 0, '');
  rig.owner.reply(2, JSON_REPLY, 0, 'C');
  rig.owner.release(3);
  rig.queue.collect();
  t.strictSame(rig.answers, new Map([['c', ['C']]]), 'nobody hears of the others');
  rig.queue.withdraw(b);
  t.strictSame(rig.seen, [], 'a late withdrawal changes nothing');
});

t.test('replies of a group that a dead owner was committing come from its link', async (t) => {
  const rig = new Rig();
  for (const name of ['a', 'b', 'c']) rig.ask(name);
  rig.queue.publish();
  for (const [position, text] of ['A', 'B ü', 'not in the group'].entries())
    rig.owner.reply(position, JSON_REPLY, 0, text);
  rig.owner.publish(WORDS, 2);
  rig.die();
  t.strictSame(rig.pending, { id: GROUP, until: 2 });
  t.equal(rig.answers.size, 0, 'whether they may leave is not known yet');
  rig.die();
  t.strictSame(rig.pending, { id: GROUP, until: 2 }, 'a successor that dies at once passes it on');
  rig.owner.reply(0, BEFORE, 0, '');
  rig.owner.reply(1, BEFORE, 0, '');
  rig.owner.release(2);
  rig.queue.collect();
  t.strictSame(
    [...rig.answers],
    [
      ['a', ['A']],
      ['b', ['B ü']],
    ],
  );
  rig.owner.reply(2, JSON_REPLY, 0, 'C');
  rig.owner.release(3);
  rig.queue.collect();
  t.strictSame(rig.answers.get('c'), ['C']);
  rig.die();
  t.equal(rig.pending, undefined, 'what was handed out is not pending any more');
});

t.test('a group that the successor commits takes the place of the one before', async (t) => {
  const rig = new Rig();
  for (const name of ['a', 'b']) rig.ask(name);
  rig.queue.publish();
  rig.owner.reply(0, JSON_REPLY, 0, 'lost');
  rig.owner.publish(WORDS, 1);
  rig.die();
  rig.owner.reply(0, JSON_REPLY, 0, 'A');
  rig.owner.reply(1, JSON_REPLY, 0, 'B');
  const other = new Int32Array([0, 0, 0, 9]);
  rig.owner.publish(other, 2);
  rig.die();
  t.strictSame(rig.pending, { id: Buffer.from(other.buffer).toString('hex'), until: 2 });
  for (const position of [0, 1]) rig.owner.reply(position, BEFORE, 0, '');
  rig.owner.release(2);
  rig.queue.collect();
  t.strictSame([...rig.answers.values()], [['A'], ['B']]);
});

t.test('what has waited too long is refused once, and its late reply is not heard', async (t) => {
  const rig = new Rig();
  for (const [name, now] of [
    ['a', 10],
    ['b', 20],
    ['c', 30],
  ] as const)
    rig.ask(name, now);
  rig.queue.publish();
  rig.queue.expire(9);
  t.equal(rig.answers.size, 0);
  rig.queue.expire(20);
  rig.queue.expire(20);
  t.strictSame(
    [...rig.answers],
    [
      ['a', ['ask-timeout']],
      ['b', ['ask-timeout']],
    ],
  );
  t.equal(rig.queue.count, 3, 'the owner still owes the replies');
  t.equal(rig.queue.oldestAt, 10);
  for (const [position, text] of ['A', 'B', 'C'].entries()) rig.owner.reply(position, JSON_REPLY, 0, text);
  rig.owner.release(3);
  rig.queue.collect();
  t.strictSame([...rig.answers.values()], [['ask-timeout'], ['ask-timeout'], ['C']]);
  rig.queue.expire(1_000);
  t.strictSame(rig.answers.get('c'), ['C']);
  t.equal(rig.queue.oldestAt, undefined);
});

t.test('a request that its owner died of is answered, and no successor takes it again', async (t) => {
  const rig = new Rig();
  for (const name of ['a', 'b', 'c']) rig.ask(name);
  rig.queue.publish();
  t.equal(rig.queue.keyAt(1), 'b');
  t.equal(rig.queue.messageAt(1), 1);
  rig.queue.leaveOut(1, 'behavior-failed');
  rig.die();
  t.strictSame(rig.seen, ['a@0', '-1', 'c@2']);
  t.strictSame([...rig.answers], [['b', ['behavior-failed']]]);
});

t.test('a responder that throws is reported, and the others are answered', async (t) => {
  const rig = new Rig();
  const broken = () => {
    throw new Error('broken');
  };
  rig.queue.ask(1, 'x', undefined, '', { reply: broken, refuse: broken }, 0);
  rig.ask('b');
  rig.queue.ask(1, 'y', undefined, '', { reply: broken, refuse: broken }, 0);
  rig.queue.publish();
  rig.owner.reply(0, JSON_REPLY, 0, 'X');
  rig.owner.reply(1, JSON_REPLY, 0, 'B');
  rig.owner.release(2);
  rig.queue.collect();
  rig.ask('d');
  rig.queue.refuseAll('shutting-down');
  t.strictSame(
    [...rig.answers],
    [
      ['b', ['B']],
      ['d', ['shutting-down']],
    ],
  );
  t.equal(rig.errors.length, 2);
});

t.test('every request is answered once, through deaths, withdrawals, and a full queue', async () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('ask' as const), n: fc.nat(3) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('reply' as const), n: fc.nat(4) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('publish group' as const), n: fc.nat(4) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('show' as const), n: fc.constant(0) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('collect' as const), n: fc.constant(0) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('withdraw' as const), n: fc.nat(CAPACITY) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire' as const), n: fc.nat(4) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('stored', 'not stored'), n: fc.constant(0) }) },
  );
  let full = 0;
  let before = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
      const rig = new Rig();
      const withdrawn = new Set<string>();
      /** The answers that the owner has written since the last release. */
      let written = 0;
      let asked = 0;
      const replyTo = (position: number) => {
        const key = rig.owner.keyAt(position);
        if (rig.owner.messageAt(position) === LEFT_OUT) return rig.owner.reply(position, NOTHING, 0, '');
        return rig.owner.reply(position, JSON_REPLY, 0, `reply to ${key}`);
      };
      const reply = (n: number) => {
        const end = Math.min(rig.owner.look(), rig.owner.released + n);
        for (written = rig.owner.released; written < end && replyTo(written); written++);
      };
      for (const [now, { kind, n }] of steps.entries()) {
        if (kind === 'ask') {
          for (let at = 0; at <= n; at++) {
            if (rig.ask(`${asked}`, now) === undefined) full += 1;
            else asked += 1;
          }
        } else if (kind === 'reply') {
          reply(n);
          rig.owner.release(written);
        } else if (kind === 'publish group') {
          reply(n);
          rig.owner.publish(WORDS, written);
        } else if (kind === 'show') rig.queue.publish();
        else if (kind === 'collect') rig.queue.collect();
        else if (kind === 'withdraw') {
          const position = rig.queue.link.collected + n;
          if (position >= asked) continue;
          rig.queue.withdraw(position);
          withdrawn.add(`${position}`);
        } else if (kind === 'expire') rig.queue.expire(now - 10 * n);
        else {
          rig.die();
          if (kind === 'stored' && rig.pending) {
            for (let position = rig.owner.released; position < rig.pending.until; position++) {
              rig.owner.reply(position, BEFORE, 0, '');
              before += 1;
            }
            rig.owner.release(rig.pending.until);
          }
        }
      }
      rig.queue.publish();
      while (rig.queue.count > 0) {
        reply(CAPACITY);
        rig.owner.release(written);
        rig.queue.collect();
      }
      if (rig.errors.length > 0) throw rig.errors[0];
      for (let name = 0; name < asked; name++) {
        const answers = rig.answers.get(`${name}`) ?? [];
        const right = [`reply to ${name}`, 'ask-timeout'].includes(answers[0] ?? '');
        if (answers.length > 1 || !(right || withdrawn.has(`${name}`)))
          throw new Error(`${name} heard ${JSON.stringify(answers)}`);
      }
    }),
  );
  if (full === 0 || before === 0) throw new Error(`full ${full} times, ${before} replies of owners before`);
});
