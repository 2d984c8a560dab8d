/** What an instance makes of a store that holds less than it has seen there in the hands of another one. */
import t from 'tap';
import { WarrenError } from '../../../../src/errors.js';
import { Founder } from '../../../../src/runtime/owner/founder.js';
import { RepairLog, repairMemory } from '../../../../src/runtime/owner/repair-log.js';
import { type Taken, Tenure } from '../../../../src/runtime/owner/tenure.js';
import { HeldStore, SharedContent } from './fixtures/held-store.js';
import { MachineClock, WorldClock } from './fixtures/world-clock.js';

const LEASE_MS = 1_000;
const TRIES = 100;

class Rig {
  readonly content = new SharedContent();
  readonly #world = new WorldClock();
  readonly #awaitsReplicas: boolean;

  constructor(awaitsReplicas: boolean) {
    this.#awaitsReplicas = awaitsReplicas;
  }

  tenure(instance: string): Tenure {
    const store = new HeldStore(this.content, true, this.#awaitsReplicas);
    const founder = new Founder({
      shards: 1,
      shard: () => store,
      firstChanges: async () => [],
      randomId: () => 'store',
    });
    return new Tenure({
      store,
      shard: 0,
      founder,
      actors: {},
      clocks: new MachineClock(this.#world),
      identity: { writer: instance, instance, process: '' },
      isDead: () => false,
      leaseMs: LEASE_MS,
      commitTimeoutMs: 400,
      repair: new RepairLog(repairMemory(1 << 16)),
    });
  }

  /** Tries until it has the fence, or may never have it. */
  async take(tenure: Tenure): Promise<Taken> {
    for (let tries = 0; tries < TRIES; tries++) {
      try {
        const taken = await tenure.take();
        if (taken) return taken;
      } catch (error) {
        if (!(error instanceof WarrenError) || !/fenced|unclaimed/.test(error.code)) throw error;
      }
      await this.#world.pass(100);
    }
    throw new Error('the fence is never free');
  }
}

/** One instance commits three times, another one looks, and then the store has lost the last commits. */
async function losing(commits: number, awaitsReplicas: boolean): Promise<Taken> {
  const rig = new Rig(awaitsReplicas);
  const [owner, other] = [rig.tenure('owner'), rig.tenure('other')];
  await rig.take(owner);
  for (const version of [1, 2, 3]) await owner.commit(`group ${version}`, version, []);
  await other.take().catch(() => {});
  rig.content.rollBack(commits);
  return rig.take(other);
}

t.test('a store that has lost a commit which another instance had made is halted', async (t) => {
  await t.rejects(losing(1, false), { code: 'store-halted', message: /it holds version 2, and 3 was/ });
});

t.test(
  'where replicas must have a commit before it counts, the last one that was seen may be lost',
  async (t) => {
    const { replaced } = await losing(1, true);
    t.match(replaced, { version: 2, halted: '' });
  },
);

t.test('the one before it may not', async (t) => {
  await t.rejects(losing(2, true), { code: 'store-halted', message: /it holds version 1, and 2 was/ });
});

t.test(
  'a store that has lost only a take is taken again, above it: answers have named its epoch',
  async (t) => {
    const rig = new Rig(false);
    const [first, second] = [rig.tenure('first'), rig.tenure('second')];
    await rig.take(first);
    await first.release();
    await rig.take(second);
    const { epoch } = second.held;
    t.notOk(await second.watch(), 'nothing is lost');
    rig.content.rollBack(1);
    t.ok(await second.watch());
    await rig.take(second);
    t.equal(second.held.epoch, epoch + 1);
  },
);
