/** The heartbeat of a node: what it tells, what it sees, and whether two processes can have one name. */
import t from 'tap';
import { WarrenError } from '../../../src/errors.js';
import { Membership } from '../../../src/nodes/membership.js';
import type { NodeEntry, NodeState } from '../../../src/store/node-entry.js';
import type { Beat, NodeRegistry } from '../../../src/store/node-registry.js';
import { FakeClock } from '../runtime/fake-clock.js';
import { nodeCalled } from './node-entry.js';

const LEASE_MS = 1_000;

interface Stored {
  entry: NodeEntry;
  renewals: number;
  expires: number;
}

/** As the one in Redis, without a network: each call is answered at once, or when the test says so. */
class FakeRegistry implements NodeRegistry {
  readonly clock: FakeClock;
  readonly stored = new Map<string, Stored>();
  #nodes: readonly NodeEntry[] = [];
  beats = 0;
  underWay = 0;
  most = 0;
  givenUp = 0;
  away = false;
  denied = false;
  /** Answers the calls that wait; calls wait while it is set. */
  held: (() => void)[] | undefined;

  constructor(clock: FakeClock) {
    this.clock = clock;
  }

  async beat(entry: NodeEntry, ttlMs: number, dead: string): Promise<Beat> {
    await this.#call();
    this.beats += 1;
    const now = this.clock.now();
    for (const [name, { expires }] of this.stored) if (expires <= now) this.stored.delete(name);
    const before = this.stored.get(entry.instance);
    const own = !before || [entry.incarnation, dead].includes(before.entry.incarnation);
    if (own) {
      const renewals = before?.entry.incarnation === entry.incarnation ? before.renewals + 1 : 1;
      this.stored.set(entry.instance, { entry, renewals, expires: now + ttlMs });
    }
    const nodes = [...this.stored.values()].map((one) => one.entry);
    if (JSON.stringify(nodes) !== JSON.stringify(this.#nodes)) this.#nodes = nodes;
    return {
      nodes: this.#nodes,
      conflict: own ? undefined : { holder: before.entry, renewals: before.renewals },
    };
  }

  async leave(instance: string, incarnation: string): Promise<void> {
    await this.#call();
    if (this.stored.get(instance)?.entry.incarnation === incarnation) this.stored.delete(instance);
  }

  async list(): Promise<readonly NodeEntry[]> {
    return this.#nodes;
  }

  giveUp(): void {
    this.givenUp += 1;
  }

  async #call(): Promise<void> {
    this.underWay += 1;
    this.most = Math.max(this.most, this.underWay);
    if (this.held) await new Promise<void>((resolve) => this.held?.push(resolve));
    this.underWay -= 1;
    if (this.away) throw new Error('away');
    if (this.denied) throw new WarrenError('store-denied', 'no right to TIME');
  }
}

interface Watched {
  readonly membership: Membership;
  readonly views: string[];
  readonly twins: string[];
  readonly denials: string[];
}

function memberOf(registry: NodeRegistry, clock: FakeClock, node: NodeEntry, dead: string[] = []): Watched {
  const views: string[] = [];
  const twins: string[] = [];
  const denials: string[] = [];
  const membership = new Membership({
    registry,
    clock,
    leaseMs: LEASE_MS,
    node: { ...node, state: 'joining' },
    isDead: (process) => dead.includes(process),
    onView: (nodes) => views.push(nodes.map(({ instance, state }) => `${instance} ${state}`).join(', ')),
    onTwin: (reason) => twins.push(reason),
    onDenied: (reason) => denials.push(reason),
  });
  return { membership, views, twins, denials };
}

function world(): { clock: FakeClock; registry: FakeRegistry } {
  const clock = new FakeClock();
  return { clock, registry: new FakeRegistry(clock) };
}

/** Lets everything run that waits for nothing but its turn. */
async function turn(): Promise<void> {
  for (let at = 0; at < 40; at++) await null;
}

async function pass(clock: FakeClock, ms: number): Promise<void> {
  const until = clock.now() + ms;
  await turn();
  while (clock.nextDueAt <= until) {
    clock.advance(clock.nextDueAt - clock.now());
    await turn();
  }
  clock.advance(until - clock.now());
}

t.test('a node sees the others come, change their state and go', async (t) => {
  const { clock, registry } = world();
  const a = memberOf(registry, clock, nodeCalled('a'));
  const b = memberOf(registry, clock, nodeCalled('b'));
  a.membership.start();
  await pass(clock, 100);
  b.membership.start();
  a.membership.setState('ready');
  await pass(clock, 300);
  t.same(a.views.slice(-1), ['a ready, b joining']);
  t.same(b.views.slice(-1), ['a ready, b joining']);
  b.membership.setState('leaving');
  await pass(clock, 300);
  await b.membership.leave();
  await pass(clock, 300);
  t.same(a.views.slice(-2), ['a ready, b leaving', 'a ready']);
});

t.test('a change of state is told at once, and a view that has not changed is not told again', async (t) => {
  const { clock, registry } = world();
  const a = memberOf(registry, clock, nodeCalled('a'));
  a.membership.start();
  await turn();
  t.equal(registry.beats, 1);
  a.membership.setState('ready');
  a.membership.setState('ready');
  await turn();
  t.equal(registry.beats, 2);
  await pass(clock, 1_000);
  t.equal(registry.beats, 6);
  t.same(a.views, ['a joining', 'a ready']);
});

t.test('heartbeats never overlap, and a change during one follows it', async (t) => {
  const { clock, registry } = world();
  const a = memberOf(registry, clock, nodeCalled('a'));
  registry.held = [];
  a.membership.start();
  a.membership.setState('ready');
  await pass(clock, 900);
  t.equal(registry.underWay, 1);
  const [first] = registry.held;
  registry.held = undefined;
  first?.();
  await turn();
  t.same(a.views, ['a joining', 'a ready']);
  t.equal(registry.most, 1);
});

t.test('a registry that is away changes nothing, and is asked again', async (t) => {
  const { clock, registry } = world();
  const a = memberOf(registry, clock, nodeCalled('a'));
  a.membership.start();
  await turn();
  registry.away = true;
  await pass(clock, 5_000);
  t.same(a.views, ['a joining']);
  t.same(a.membership.nodes.length, 1);
  registry.away = false;
  await pass(clock, 250);
  t.ok(registry.stored.has('a'));
});

t.test('a registry that refuses heartbeats is told of once, and again after it had taken one', async (t) => {
  const { clock, registry } = world();
  const a = memberOf(registry, clock, nodeCalled('a'));
  registry.denied = true;
  a.membership.start();
  await pass(clock, 5_000);
  t.same(a.denials, ['no right to TIME']);
  registry.denied = false;
  await pass(clock, 1_000);
  t.same(a.views, ['a joining']);
  registry.denied = true;
  await pass(clock, 5_000);
  t.equal(a.denials.length, 2);
});

t.test('a heartbeat without an answer is given up after a lease, and the next one follows', async (t) => {
  const { clock, registry } = world();
  const a = memberOf(registry, clock, nodeCalled('a'));
  registry.held = [];
  a.membership.start();
  await pass(clock, LEASE_MS - 1);
  t.equal(registry.givenUp, 0);
  await pass(clock, 1);
  t.equal(registry.givenUp, 1);
  registry.held = undefined;
  await pass(clock, 250);
  t.same(a.views, ['a joining']);
});

t.test('the younger of two processes with one name ends, and the elder stays', async (t) => {
  const { clock, registry } = world();
  const elder = memberOf(registry, clock, nodeCalled('a', { incarnation: 'elder', address: 'one:1' }));
  elder.membership.start();
  await pass(clock, 100);
  const younger = memberOf(registry, clock, nodeCalled('a', { incarnation: 'younger' }));
  younger.membership.start();
  await pass(clock, 5_000);
  t.equal(younger.twins.length, 1);
  t.match(younger.twins[0], /"a".*one:1.*INSTANCE_ID/);
  t.same(younger.views, [], 'it has never acted under the name');
  t.same(elder.twins, []);
  t.equal(registry.stored.get('a')?.entry.incarnation, 'elder');
});

t.test('a successor takes the name of a killed process at the end of its entry', async (t) => {
  const { clock, registry } = world();
  const before = memberOf(registry, clock, nodeCalled('a', { incarnation: 'before' }));
  before.membership.start();
  await pass(clock, 100);
  before.membership.stop();
  const after = memberOf(registry, clock, nodeCalled('a', { incarnation: 'after' }));
  after.membership.start();
  await pass(clock, LEASE_MS - 200);
  t.same(after.views, []);
  await pass(clock, 450);
  t.same([after.views, after.twins], [['a joining'], []]);
});

t.test('one renewal that was still on its way does not end the successor', async (t) => {
  const { clock, registry } = world();
  const before = nodeCalled('a', { incarnation: 'before' });
  await registry.beat(before, LEASE_MS, '');
  const after = memberOf(registry, clock, nodeCalled('a', { incarnation: 'after' }));
  after.membership.start();
  await turn();
  await registry.beat(before, LEASE_MS, '');
  await pass(clock, LEASE_MS + 250);
  t.same([after.views, after.twins], [['a joining'], []]);
});

t.test('a successor takes the name at once when its predecessor is proven dead', async (t) => {
  const { clock, registry } = world();
  await registry.beat(nodeCalled('a', { incarnation: 'before', process: 'host.7.7' }), LEASE_MS, '');
  const after = memberOf(registry, clock, nodeCalled('a', { incarnation: 'after' }), ['host.7.7']);
  after.membership.start();
  await pass(clock, 250);
  t.equal(registry.stored.get('a')?.entry.incarnation, 'after');
  t.same(after.views, ['a joining']);
});

t.test('a successor waits for a predecessor that is about to leave', async (t) => {
  const { clock, registry } = world();
  const before = memberOf(registry, clock, nodeCalled('a', { incarnation: 'before' }));
  before.membership.start();
  before.membership.setState('leaving');
  await pass(clock, 100);
  const after = memberOf(registry, clock, nodeCalled('a', { incarnation: 'after' }));
  after.membership.start();
  await pass(clock, 3_000);
  await before.membership.leave();
  await pass(clock, 250);
  t.same([after.views, after.twins], [['a joining'], []]);
});

t.test('a process that was suspended while another took its name ends', async (t) => {
  const { clock, registry } = world();
  const first = memberOf(registry, clock, nodeCalled('a', { incarnation: 'first' }));
  first.membership.start();
  await turn();
  const suspended = clock.holdTimers();
  await pass(clock, LEASE_MS + 1);
  const second = memberOf(registry, clock, nodeCalled('a', { incarnation: 'second' }));
  second.membership.start();
  await pass(clock, 100);
  suspended.release();
  await pass(clock, 2_000);
  t.equal(first.twins.length, 1);
  t.same(second.twins, []);
});

t.test('nothing follows the entry that was removed', async (t) => {
  const { clock, registry } = world();
  const a = memberOf(registry, clock, nodeCalled('a'));
  registry.held = [];
  a.membership.start();
  const left = a.membership.leave();
  await turn();
  const [beat] = registry.held;
  registry.held = undefined;
  beat?.();
  await left;
  await pass(clock, 2_000);
  t.equal(registry.stored.size, 0);
  t.equal(registry.beats, 1);
  t.equal(clock.timers, 0);
});

t.test('a node leaves although the registry is away', async (t) => {
  const { clock, registry } = world();
  const a = memberOf(registry, clock, nodeCalled('a'));
  a.membership.start();
  await turn();
  registry.away = true;
  await a.membership.leave();
  t.equal(clock.timers, 0);
  t.equal(a.membership.state, 'joining' satisfies NodeState);
});
