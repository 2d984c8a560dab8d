/** The faults of several nodes on one Redis. Two things at a time happen to nodes, never both to the same one. */
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { monotonicMs } from '../support/history.js';
import type { SeededRandom } from '../support/seeded-random.js';
import { type Breakable, type Fault, rest, type Told } from './chaos-world.js';
import { linkFaults } from './link-faults.js';
import type { ChaosNode, NodesWorld } from './nodes-world.js';

/** Longer than a lease. */
const SUSPENDED_MS = [1_300, 3_000] as const;

export function breakablesOf(world: NodesWorld, only: string): Breakable[] {
  const { nodes, redis } = world;
  const broken = new Set<ChaosNode>();
  const withNode =
    (act: (node: ChaosNode, random: SeededRandom) => Promise<string | Told>): Fault =>
    async (random) => {
      const whole = nodes.filter((node) => !broken.has(node));
      const node = whole[random.between(0, whole.length - 1)] as ChaosNode;
      broken.add(node);
      const told = await act(node, random).finally(() => broken.delete(node));
      return typeof told === 'string'
        ? `${node.instance} ${told}`
        : { ...told, note: `${node.instance} ${told.note}` };
    };
  const ofNodes: Breakable = {
    restMs: [200, 2_000],
    faults: {
      'node-killed': [2, withNode((node, random) => lose(world, node, random))],
      'node-killed-and-back': [2, withNode((node, random) => bounce(world, node, random))],
      'node-suspended': [2, withNode(suspend)],
      'node-stopped': [2, withNode((node, random) => stopAndStart(world, node, random))],
      'owner-killed': [
        2,
        withNode(async ({ process }) => {
          process.kill('SIGUSR2');
          return '';
        }),
      ],
      'peers-cut': [2, withNode(cutPeers)],
    },
  };
  const all: Breakable[] = [
    ofNodes,
    ofNodes,
    ...nodes.flatMap(({ instance, link }): Breakable[] => {
      if (!link) return [];
      return [{ restMs: [1_500, 6_000], faults: linkFaults(`redis-of-${instance}`, link) }];
    }),
    { restMs: [5_000, 15_000], faults: redis.faults },
  ];
  if (only === '') return all;
  const faults: Breakable['faults'] = Object.assign({}, ...all.map(({ faults }) => faults));
  const fault = faults[only];
  if (!fault) throw new Error(`no fault is called ${only}: ${Object.keys(faults).join(', ')}`);
  return [{ restMs: ofNodes.restMs, faults: { [only]: fault } }];
}

/** Stays away until the others have all that it had. */
async function lose(world: NodesWorld, node: ChaosNode, random: SeededRandom): Promise<Told> {
  const killedAt = monotonicMs();
  await world.kill(node);
  await world.serves();
  const backMs = monotonicMs() - killedAt;
  const away = await rest(random, 0, 1_000);
  await world.begin(node);
  return { note: `away ${away} after that`, backMs };
}

/** Comes back while its lease may still hold. */
async function bounce(world: NodesWorld, node: ChaosNode, random: SeededRandom): Promise<string> {
  await world.kill(node);
  const away = await rest(random, 0, 1_500);
  await world.begin(node);
  return `away ${away}`;
}

async function suspend(node: ChaosNode, random: SeededRandom): Promise<string> {
  node.process.kill('SIGSTOP');
  node.standing = false;
  const suspended = await rest(random, ...SUSPENDED_MS);
  node.process.kill('SIGCONT');
  node.standing = true;
  return suspended;
}

async function stopAndStart(world: NodesWorld, node: ChaosNode, random: SeededRandom): Promise<string> {
  const since = monotonicMs();
  await world.end(node);
  const tookMs = Math.round(monotonicMs() - since);
  const away = await rest(random, 0, 1_000);
  await world.begin(node);
  return `in ${tookMs} ms, away ${away}`;
}

/** Ends the connections that the other nodes have to this one, some times in a row. Needs root; elsewhere it does nothing. */
async function cutPeers({ process }: ChaosNode, random: SeededRandom): Promise<string> {
  const address = process.logs.find(({ msg }) => msg === 'listening')?.['node'];
  const port = String(address).split(':').at(-1) as string;
  const times = random.between(1, 8);
  for (let cut = 0; cut < times; cut++) {
    await promisify(execFile)('ss', ['-K', 'state', 'established', 'sport', '=', port]).catch(() => {});
    await delay(random.between(0, 100));
  }
  return `${times} times`;
}
