/** Which node should own which shard: what moves when a node joins or leaves, and who looks after what. */
import fc from 'fast-check';
import t from 'tap';
import { Placement, ranked } from '../../../src/nodes/placement.js';
import { canRead, type NodeEntry, type Versions } from '../../../src/store/node-entry.js';
import { nodeCalled } from './node-entry.js';

const SHARDS = Array.from({ length: 64 }, (_, shard) => shard);

const versions = fc.dictionary(fc.constantFrom('a', 'b'), fc.integer({ min: 1, max: 3 }), { maxKeys: 2 });

const anyNode = fc
  .record({
    instance: fc.string({ minLength: 1, maxLength: 6 }),
    actors: versions,
    state: fc.constantFrom('joining' as const, 'ready' as const, 'leaving' as const),
  })
  .map(({ instance, ...more }) => nodeCalled(instance, more));

const anyNodes = fc.uniqueArray(anyNode, { maxLength: 8, selector: ({ instance }) => instance });

const readyNodes = fc
  .uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 8 })
  .map((names) => names.map((name) => nodeCalled(name)));

function owners(nodes: readonly NodeEntry[]): (string | undefined)[] {
  const placement = new Placement(nodes);
  return SHARDS.map((shard) => placement.ownerOf(shard)?.instance);
}

t.test('a node that joins takes shards, and moves none between the others', async () => {
  fc.assert(
    fc.property(readyNodes, fc.string({ minLength: 7, maxLength: 9 }), (nodes, name) => {
      const before = owners(nodes);
      const after = owners([...nodes, nodeCalled(name)]);
      return SHARDS.every((shard) => after[shard] === before[shard] || after[shard] === name);
    }),
  );
});

t.test('a node that leaves gives away its own shards alone, each to its heir', async () => {
  fc.assert(
    fc.property(readyNodes, ([first, ...others]) => {
      if (!first) return false;
      const all = new Placement([first, ...others]);
      const after = new Placement([{ ...first, state: 'leaving' }, ...others]);
      return SHARDS.every((shard) => {
        const owner = all.ownerOf(shard);
        const expected = owner?.instance === first.instance ? all.heirOf(shard) : owner;
        return after.ownerOf(shard)?.instance === expected?.instance;
      });
    }),
  );
});

t.test('the order of the list says nothing, nor does a restart', async () => {
  const shuffled = readyNodes.chain((nodes) =>
    fc.tuple(
      fc.constant(nodes),
      fc.shuffledSubarray(nodes, { minLength: nodes.length, maxLength: nodes.length }),
    ),
  );
  fc.assert(
    fc.property(shuffled, fc.nat(10_000), ([nodes, others], shard) => {
      const restarted = others.map((node) => ({ ...node, incarnation: 'again' }));
      const names = (list: readonly NodeEntry[]) => ranked(shard, list).map(({ instance }) => instance);
      return JSON.stringify(names(nodes)) === JSON.stringify(names(restarted));
    }),
  );
});

t.test('nodes have about the same number of shards, and each inherits from all others', async (t) => {
  const nodes = Array.from({ length: 10 }, (_, at) => nodeCalled(`warren-${at}`));
  const placement = new Placement(nodes);
  const counts = new Map<string, number>();
  for (let shard = 0; shard < 10_000; shard++) {
    const pair = `${placement.ownerOf(shard)?.instance} ${placement.heirOf(shard)?.instance}`;
    counts.set(pair, (counts.get(pair) ?? 0) + 1);
  }
  // 111 on the average, with a standard deviation of 10.5.
  t.equal(counts.size, 90);
  t.ok(Math.min(...counts.values()) > 60, `${Math.min(...counts.values())}`);
  t.ok(Math.max(...counts.values()) < 165, `${Math.max(...counts.values())}`);
});

t.test('only ready nodes own, and a joining node would own what it owns once it is ready', async () => {
  fc.assert(
    fc.property(anyNodes, versions, fc.nat(63), (nodes, holds, shard) => {
      const placement = new Placement(nodes);
      const later = new Placement(
        nodes.map((node) => (node.state === 'joining' ? { ...node, state: 'ready' } : node)),
      );
      const states = [placement.ownerOf(shard, holds), placement.heirOf(shard, holds)].map(
        (node) => node?.state ?? 'ready',
      );
      return (
        states.every((state) => state === 'ready') &&
        nodes.every(
          ({ instance }) =>
            placement.wouldOwn(shard, instance, holds) ===
            (later.ownerOf(shard, holds)?.instance === instance),
        )
      );
    }),
  );
});

t.test('a shard is placed on a node that can read all it holds, whenever one is ready', async () => {
  fc.assert(
    fc.property(anyNodes, versions, fc.nat(63), (nodes, holds, shard) => {
      const owner = new Placement(nodes).ownerOf(shard, holds);
      const ready = nodes.filter(({ state }) => state === 'ready');
      if (ready.length === 0) return owner === undefined;
      return owner !== undefined && (canRead(owner, holds) || !ready.some((node) => canRead(node, holds)));
    }),
  );
});

t.test(
  'owner and heir of a shard watch it, whatever it holds; so does a node that would own it',
  async () => {
    fc.assert(
      fc.property(anyNodes, versions, fc.nat(63), (nodes, holds, shard) => {
        const placement = new Placement(nodes);
        const concerned = [placement.ownerOf(shard, holds), placement.heirOf(shard, holds)];
        return nodes.every(
          (node) =>
            placement.watches(shard, node.instance) ||
            !(concerned.includes(node) || placement.wouldOwn(shard, node.instance, holds)),
        );
      }),
      { numRuns: 1_000 },
    );
  },
);

t.test('two nodes watch a shard when all are of one version', async (t) => {
  const nodes = Array.from({ length: 7 }, (_, at) => nodeCalled(`warren-${at}`));
  const placement = new Placement(nodes);
  for (const shard of SHARDS) {
    const watching = nodes.filter(({ instance }) => placement.watches(shard, instance));
    t.equal(watching.length, 2);
  }
  t.notOk(placement.watches(0, 'nobody'));
});

t.test('during a rolling update no shard goes back to a node that cannot read it', async (t) => {
  const old: Versions = { counters: 1 };
  const next: Versions = { counters: 2 };
  const nodes = ['a', 'b', 'c'].map((name) => nodeCalled(name, { actors: old }));
  const holds: Versions[] = SHARDS.map(() => old);
  const settle = () => {
    const placement = new Placement(nodes);
    for (const shard of SHARDS) {
      const owner = placement.ownerOf(shard, holds[shard]);
      t.ok(owner && canRead(owner, holds[shard] ?? {}), `shard ${shard} has a reader`);
      holds[shard] = owner?.actors ?? {};
    }
  };
  for (const at of nodes.keys()) {
    const node = nodes[at] as NodeEntry;
    nodes[at] = { ...node, state: 'leaving' };
    settle();
    nodes[at] = { ...node, actors: next, state: 'joining' };
    settle();
    nodes[at] = { ...node, actors: next };
    settle();
  }
  t.ok(holds.every((one) => one === next));
});
