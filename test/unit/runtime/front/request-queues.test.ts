/** The queues of several shards: no shard keeps the replies of another one back, and no reply is left behind. */
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { RequestQueues } from '../../../../src/runtime/front/request-queues.js';
import { OwnerLink } from '../../../../src/runtime/link/owner-link.js';

const SIZE = { capacity: 16, requestBytes: 512, replyBytes: 512 };

class Rig {
  readonly answers: string[] = [];
  readonly queues = new RequestQueues(3, {
    size: SIZE,
    onReply: () => {},
    onError: (error) => {
      throw error;
    },
  });
  owners = this.queues.links().map(({ memory }) => new OwnerLink(memory));

  /** Asks each shard for so many replies. */
  ask(...counts: number[]): void {
    for (const [shard, count] of counts.entries())
      for (let n = 0; n < count; n++) {
        const name = `${shard}:${n}`;
        this.queues.of(shard).ask(
          0,
          name,
          undefined,
          '',
          {
            reply: ({ offset, length }, bytes) =>
              this.answers.push(bytes.toString('utf8', offset, offset + length)),
            refuse: (code) => this.answers.push(`${name} ${code}`),
          },
          n,
        );
      }
    this.queues.publish();
  }

  /** Answers everything that a shard was asked. */
  release(shard: number): void {
    const owner = this.owners[shard] as OwnerLink;
    const end = owner.look();
    for (let position = owner.released; position < end; position++)
      owner.reply(position, 1, 0, owner.keyAt(position));
    owner.release(end);
  }
}

t.test('the replies of all shards are handed out in turn when only some may be', async (t) => {
  const rig = new Rig();
  rig.ask(2, 2, 1);
  for (const shard of [0, 1, 2]) rig.release(shard);
  for (let n = 0; n < 5; n++) t.ok(rig.queues.collect(1), 'there may be more');
  t.strictSame(rig.answers, ['0:0', '1:0', '2:0', '0:1', '1:1']);
  t.equal(rig.queues.collect(1), false);
  t.notOk(rig.queues.waits);
});

t.test('whoever hands out as many as he may is told that there may be more', async (t) => {
  const rig = new Rig();
  rig.ask(2, 1, 0);
  rig.release(0);
  rig.release(1);
  t.ok(rig.queues.collect(2), 'the reply of the second shard is there');
  t.strictSame(rig.answers, ['0:0', '0:1']);
  rig.queues.collect(2);
  t.strictSame(rig.answers, ['0:0', '0:1', '1:0']);
});

t.test('a reply that comes after the collecting wakes whoever waits, of whatever shard', async (t) => {
  const rig = new Rig();
  rig.ask(1, 1, 1);
  for (const shard of [2, 0, 1]) {
    t.equal(rig.queues.collect(10), false);
    const woken = new Promise<void>((resolve) => rig.queues.awaitReplies(resolve));
    rig.release(shard);
    await woken;
  }
  rig.queues.collect(10);
  t.strictSame(rig.answers, ['2:0', '0:0', '1:0']);
});

t.test('a ticket names one request of one shard', async (t) => {
  const rig = new Rig();
  rig.ask(1, 1, 1);
  rig.queues.withdraw(rig.queues.ticketOf(1, 0));
  for (const shard of [0, 1, 2]) rig.release(shard);
  rig.queues.collect(10);
  t.strictSame(rig.answers, ['0:0', '2:0']);
});

t.test(
  'after the death of an owner thread a new one gets what waits, and nobody is woken for the old one',
  async (t) => {
    const rig = new Rig();
    rig.ask(0, 2, 0);
    let woken = 0;
    rig.queues.collect(10);
    rig.queues.awaitReplies(() => {
      woken += 1;
    });
    rig.owners = rig.queues.relink().map(({ memory }) => new OwnerLink(memory));
    const again = new Promise<void>((resolve) => rig.queues.awaitReplies(resolve));
    rig.release(1);
    await again;
    await delay(1);
    t.equal(woken, 0);
    rig.queues.collect(10);
    t.strictSame(rig.answers, ['1:0', '1:1']);
  },
);
