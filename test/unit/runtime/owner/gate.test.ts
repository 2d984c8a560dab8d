/** The output gate, with a store whose answers wait for the test. */
import t from 'tap';
import { WarrenError } from '../../../../src/errors.js';
import { newBells } from '../../../../src/runtime/link/bell.js';
import { FrontLink } from '../../../../src/runtime/link/front-link.js';
import { linkMemory } from '../../../../src/runtime/link/link-memory.js';
import { OwnerLink } from '../../../../src/runtime/link/owner-link.js';
import { AnswerRecords } from '../../../../src/runtime/owner/answer-records.js';
import type { Behavior } from '../../../../src/runtime/owner/behavior.js';
import { Gate } from '../../../../src/runtime/owner/gate.js';
import { type ActorEntry, StateMemory, States } from '../../../../src/runtime/owner/states.js';
import type { Tenure } from '../../../../src/runtime/owner/tenure.js';
import { commitText } from '../../../../src/store/commit-id.js';
import type { Change, CommitOutcome } from '../../../../src/store/contract.js';
import { MachineClock, turn, WorldClock } from './fixtures/world-clock.js';

/** One call of the store that waits. */
interface Held {
  readonly kind: 'commit' | 'renew';
  readonly group: string;
  readonly changes: readonly Change[];
  readonly settle: (outcome: CommitOutcome | WarrenError) => Promise<void>;
}

let encoded = 0;
const BEHAVIOR = {
  actor: 'counter',
  encode(state) {
    encoded += 1;
    return state;
  },
} as Partial<Behavior> as Behavior;

class Rig {
  readonly calls: Held[] = [];
  readonly doubts: unknown[] = [];
  readonly world = new WorldClock();
  readonly front: FrontLink;
  readonly gate: Gate;
  /** Asked for by the commits. */
  readonly versions: number[] = [];
  epoch = 3;
  version = 16;
  leased = true;
  progress = 0;
  readonly #link: OwnerLink;
  readonly #states = new States(new StateMemory(1_000_000));
  #taken = 0;

  constructor(durability: 'gated' | 'async' = 'gated', groupBytes = 1_000) {
    const memory = linkMemory(
      { capacity: 64, requestBytes: 4_096, replyBytes: 4_096 },
      { shard: 0, bells: newBells(), first: 0 },
    );
    this.front = new FrontLink(memory);
    this.#link = new OwnerLink(memory);
    const hold = (kind: Held['kind'], group: string, changes: readonly Change[]) =>
      new Promise<CommitOutcome>((resolve, reject) => {
        const settle = async (outcome: CommitOutcome | WarrenError) => {
          if (outcome === 'swapped' && kind === 'commit') this.version += 1;
          if (typeof outcome === 'string') resolve(outcome);
          else reject(outcome);
          await turn();
        };
        this.calls.push({ kind, group, changes, settle });
      });
    const rig = this;
    const tenure = {
      get leased() {
        return rig.leased;
      },
      get held() {
        return { shard: 0, epoch: rig.epoch, version: rig.version };
      },
      servedMs: 0,
      commit: (group: string, version: number, changes: readonly Change[]) => {
        this.versions.push(version);
        return hold('commit', group, changes);
      },
      renew: () => hold('renew', '', []),
    };
    this.gate = new Gate({
      link: this.#link,
      tenure: tenure as unknown as Tenure,
      clocks: new MachineClock(this.world),
      durability,
      groupBytes,
      records: new AnswerRecords({ keptMs: 86_400_000, bytes: 1_000_000 }),
      onProgress: () => {
        this.progress += 1;
      },
      onInDoubt: (error) => this.doubts.push(error),
    });
    this.gate.open('dropped');
  }

  entry(key: string): ActorEntry {
    return this.#states.find(BEHAVIOR, key) ?? this.#states.add(BEHAVIOR, key, undefined, 0);
  }

  /** Takes turns: each puts a text, or reads when there is none. */
  take(...texts: (string | undefined)[]): void {
    for (const text of texts) {
      if (this.front.end === this.#taken) this.front.push(0);
      this.#link.reply(this.#taken++, 1, 0, text ?? 'read');
      if (text === undefined) continue;
      const entry = this.entry(text.charAt(0));
      entry.state = text;
      this.gate.change(entry, text.length);
    }
    this.gate.advance(this.#taken);
  }

  /** The turns from this position on are taken again. */
  again(position: number): void {
    this.#taken = position;
  }

  /** The oldest call that waits. */
  call(): Held {
    const held = this.calls.shift();
    if (!held) throw new Error('the gate calls for nothing');
    return held;
  }

  get released(): number {
    return this.front.released();
  }

  /** The commit that the reply names. */
  commitOf(position: number): string {
    return commitText(this.front.read(position));
  }
}

const REFUSED = new WarrenError('store-refused', 'refused by the test');
const DENIED = new WarrenError('store-denied', 'denied by the test');
const CUT = new WarrenError('store-unreachable', 'cut by the test');

t.test('a reply never leaves before its commit', async (t) => {
  const rig = new Rig();
  rig.take('a1');
  const first = rig.call();
  t.strictSame(first.changes, [{ id: 'counter/a', text: 'a1' }]);
  rig.take('b1');
  rig.take('a2', 'b2');
  await turn();
  t.equal(rig.released, 0);
  t.equal(rig.calls.length, 0, 'one commit at a time');
  await first.settle('swapped');
  t.equal(rig.released, 1, 'what came later waits for its own');
  const second = rig.call();
  t.strictSame(
    second.changes,
    [
      { id: 'counter/b', text: 'b2' },
      { id: 'counter/a', text: 'a2' },
    ],
    'the last text of each actor, in one commit',
  );
  t.not(second.group, first.group);
  await second.settle('swapped');
  t.equal(rig.released, 4);
  t.ok(rig.gate.idle);
  t.equal(rig.progress, 2);
});

t.test('an actor is encoded once per group, however often it has changed, and not before', async (t) => {
  const rig = new Rig();
  rig.take('a1');
  encoded = 0;
  rig.take('a2', 'b2');
  rig.take('a3');
  t.equal(encoded, 0);
  await rig.call().settle('swapped');
  t.equal(encoded, 2);
  t.match(rig.call().changes, [{ text: 'a3' }, { text: 'b2' }]);
});

t.test('a group is published, with its id and its end, before its commit is sent', async (t) => {
  const rig = new Rig();
  t.equal(rig.front.published(), undefined);
  rig.take('a1', undefined, 'b1');
  const { group, settle } = rig.call();
  t.match(group, /^[0-9a-f]{32}$/);
  t.strictSame(rig.front.published(), { group, until: 3 });
  rig.take('c1');
  t.strictSame(rig.front.published(), { group, until: 3 }, 'the replies behind it are not part of it');
  await settle('swapped');
  t.strictSame(rig.front.published(), { group: rig.call().group, until: 4 });
});

t.test('a read behind a change waits for its commit, one before it does not', async (t) => {
  const rig = new Rig();
  rig.take(undefined);
  t.equal(rig.released, 1);
  rig.take('a1', undefined);
  rig.take(undefined);
  t.equal(rig.released, 1);
  await rig.call().settle('swapped');
  t.equal(rig.released, 4, 'and the reads behind the group leave with it');
});

t.test('reads whose lease has lapsed wait for a renewal', async (t) => {
  const rig = new Rig();
  rig.leased = false;
  rig.take(undefined);
  t.equal(rig.released, 0);
  const renewal = rig.call();
  t.equal(renewal.kind, 'renew');
  rig.take(undefined);
  t.equal(rig.calls.length, 0, 'one at a time');
  rig.leased = true;
  await renewal.settle('swapped');
  t.equal(rig.released, 2);
  t.equal(rig.progress, 1);
});

t.test('a change needs no lease, and the reads behind it need one', async (t) => {
  const rig = new Rig();
  rig.leased = false;
  rig.take('a1');
  const { settle } = rig.call();
  rig.take(undefined);
  await settle('swapped');
  t.equal(rig.released, 1);
  t.equal(rig.call().kind, 'renew');
});

t.test('no read leaves when the fence has changed under its renewal', async (t) => {
  const rig = new Rig();
  rig.leased = false;
  rig.take(undefined);
  await rig.call().settle('changed');
  t.equal(rig.released, 0);
  t.equal(rig.doubts.length, 1);
  rig.take('a1');
  t.equal(rig.calls.length, 0, 'nothing is committed before the fence is taken again');
});

for (const [outcome, what, unknown] of [
  [REFUSED, 'a refused commit', false],
  [DENIED, 'a denied commit', false],
  ['changed', 'a commit that found another fence', false],
  [CUT, 'a cut commit', true],
  [new Error('anything'), 'a commit that failed for any other reason', true],
] as const) {
  t.test(`${what} is ${unknown ? 'unknown' : 'not unknown'}`, async (t) => {
    const rig = new Rig();
    rig.leased = false;
    rig.take(undefined);
    rig.leased = true;
    await rig.call().settle('swapped');
    t.equal(rig.gate.unknown, false);
    rig.take('a1');
    await rig.call().settle(outcome as CommitOutcome);
    t.equal(rig.gate.unknown, unknown, 'also behind a renewal');
    t.equal(rig.doubts.length, 1);
    t.equal(rig.released, 1);
    t.ok(rig.gate.sent, 'its group is kept');
    t.notOk(rig.gate.idle);
  });
}

t.test('while its commit is under way, its outcome is unknown', async (t) => {
  const rig = new Rig();
  rig.take('a1');
  t.ok(rig.gate.unknown);
  await rig.call().settle('swapped');
  t.notOk(rig.gate.unknown);
});

t.test('a closed gate renews nothing, and its group stays unknown', async (t) => {
  const rig = new Rig();
  rig.take('a1');
  await rig.call().settle(CUT);
  await rig.gate.renew();
  t.equal(rig.calls.length, 0);
  t.ok(rig.gate.unknown);
});

t.test('a group that is sent again has the same id and the same bytes', async (t) => {
  const rig = new Rig();
  rig.take('a1', 'b1');
  const first = rig.call();
  rig.take('a2', 'c1');
  await first.settle(CUT);
  rig.gate.open('not stored');
  const again = rig.call();
  t.equal(again.group, first.group);
  t.strictSame(again.changes, first.changes);
  t.strictSame(rig.front.published(), { group: first.group, until: 2 });
  t.equal(rig.released, 0);
  await again.settle('swapped');
  t.equal(rig.released, 2);
  t.strictSame(
    rig.call().changes,
    [
      { id: 'counter/a', text: 'a2' },
      { id: 'counter/c', text: 'c1' },
    ],
    'what came behind it follows',
  );
});

t.test('a group that turns out to be stored leaves, and is not sent again', async (t) => {
  const rig = new Rig();
  rig.take('a1', undefined);
  rig.take('b1');
  const { group, settle } = rig.call();
  await settle(CUT);
  t.equal(rig.released, 0);
  rig.gate.open('stored');
  t.equal(rig.released, 2);
  const next = rig.call();
  t.not(next.group, group);
  t.strictSame(next.changes, [{ id: 'counter/b', text: 'b1' }]);
  t.equal(rig.gate.unknown, true, 'and is the one under way');
});

t.test('a group pins the actors that it changes until it is stored', async (t) => {
  const rig = new Rig();
  rig.take('a1', 'a2', 'b1');
  const first = rig.call();
  rig.take('a3');
  t.strictSame([rig.entry('a').pins, rig.entry('b').pins], [2, 1]);
  await first.settle('swapped');
  t.strictSame([rig.entry('a').pins, rig.entry('b').pins], [1, 0]);
  await rig.call().settle('swapped');
  t.equal(rig.entry('a').pins, 0);
});

t.test('drop unpins, and what was dropped is never sent', async (t) => {
  const rig = new Rig();
  rig.take('a1');
  const { settle } = rig.call();
  rig.take('a2', 'b1');
  await settle(CUT);
  rig.gate.drop();
  t.strictSame([rig.entry('a').pins, rig.entry('b').pins], [0, 0]);
  t.equal(rig.gate.sent, undefined);
  t.notOk(rig.gate.unknown);
  t.ok(rig.gate.idle);
  t.notOk(rig.gate.full);
  rig.gate.open('not stored');
  t.equal(rig.calls.filter(({ kind }) => kind === 'commit').length, 0);
});

t.test('a reply that was dropped does not leave: its turn is taken again first', async (t) => {
  for (const text of [undefined, 'a1']) {
    const rig = new Rig();
    rig.leased = false;
    rig.take(text);
    await rig.call().settle('changed');
    rig.gate.drop();
    rig.again(0);
    rig.leased = true;
    rig.gate.open('not stored');
    t.equal(rig.released, 0);
    rig.take(undefined);
    t.equal(rig.released, 1);
  }
});

t.test('a gate is full when its changes have reached the bytes of a group', async (t) => {
  const rig = new Rig('gated', 100);
  rig.take('a1');
  const { settle } = rig.call();
  t.notOk(rig.gate.full, 'what was sent takes no room');
  rig.take(`b${'x'.repeat(100)}`);
  t.ok(rig.gate.full);
  await settle('swapped');
  t.notOk(rig.gate.full);
});

t.test('a read of the store that failed closes an idle gate; a commit under way ends first', async (t) => {
  const rig = new Rig();
  rig.take('a1');
  rig.gate.close(CUT);
  t.equal(rig.doubts.length, 0);
  await rig.call().settle('swapped');
  rig.gate.close(CUT);
  rig.gate.close(CUT);
  t.strictSame(rig.doubts, [CUT], 'once');
  rig.take('a2');
  t.equal(rig.calls.length, 0);
  rig.gate.open('dropped');
  t.strictSame(rig.call().changes, [{ id: 'counter/a', text: 'a2' }]);
});

t.test('async: replies leave at once, and groups follow each 10 ms', async (t) => {
  const rig = new Rig('async');
  rig.take('a1');
  t.equal(rig.released, 1);
  const first = rig.call();
  t.equal(rig.front.published(), undefined, 'no reply waits for it');
  rig.take('a2', 'b1');
  t.equal(rig.released, 3);
  await first.settle('swapped');
  t.equal(rig.calls.length, 0, 'not yet');
  await rig.world.pass(9);
  rig.take('a3');
  t.equal(rig.calls.length, 0);
  await rig.world.pass(1);
  t.strictSame(rig.call().changes, [
    { id: 'counter/a', text: 'a3' },
    { id: 'counter/b', text: 'b1' },
  ]);
});

t.test('async: without a lease no reply leaves before its commit or a renewal', async (t) => {
  const rig = new Rig('async');
  rig.leased = false;
  rig.take(undefined);
  t.equal(rig.released, 0);
  const renewal = rig.call();
  t.equal(renewal.kind, 'renew');
  rig.leased = true;
  await renewal.settle('swapped');
  t.equal(rig.released, 1);
});

t.test('async: with its lease replies leave although the gate is closed', async (t) => {
  const rig = new Rig('async');
  rig.take('a1');
  await rig.call().settle(CUT);
  rig.take('a2');
  t.equal(rig.released, 2);
  t.equal(rig.calls.length, 0);
  rig.gate.open('not stored');
  t.strictSame(rig.call().changes, [{ id: 'counter/a', text: 'a1' }]);
});

t.test('a reply names the commit that made it durable, and a read the newest before it', async (t) => {
  const rig = new Rig();
  rig.take(undefined);
  t.equal(rig.commitOf(0), '0.3.16', 'nothing was changed: what it shows was stored before');
  rig.take('a1');
  rig.take('b1', undefined);
  await rig.call().settle('swapped');
  t.equal(rig.commitOf(1), '0.3.17');
  await rig.call().settle('swapped');
  t.strictSame([rig.commitOf(2), rig.commitOf(3)], ['0.3.18', '0.3.18']);
  t.strictSame(rig.versions, [17, 18]);
  t.equal(rig.released, 4);
});

t.test('sent again by a later epoch, a group keeps its name', async (t) => {
  const rig = new Rig();
  rig.take('a1');
  t.equal(rig.entry('a').commit, '0.3.17');
  await rig.call().settle(CUT);
  rig.epoch = 4;
  rig.gate.open('not stored');
  await rig.call().settle('swapped');
  t.equal(rig.commitOf(0), '0.3.17');
  rig.take(undefined);
  t.equal(rig.commitOf(1), '0.4.17', 'and what follows does not fall behind it');
});

t.test('turns that are taken again get the name of the commit that they end in', async (t) => {
  const rig = new Rig();
  rig.take('a1');
  await rig.call().settle('changed');
  rig.gate.drop();
  rig.gate.release(0);
  rig.again(0);
  rig.epoch = 5;
  rig.version = 40;
  rig.gate.open('dropped');
  rig.take('a1');
  await rig.call().settle('swapped');
  t.equal(rig.commitOf(0), '0.5.41');
});

t.test('async: a reply names no commit', async (t) => {
  const rig = new Rig('async');
  rig.take('a1');
  t.equal(rig.released, 1);
  t.equal(rig.front.read(0).epoch, 0);
});
