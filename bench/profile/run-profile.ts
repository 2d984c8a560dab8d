/**
 * Entry of the profile: where the time of a request goes, thread by thread, under the loads of scenarios (a) and (b).
 * Each workload has a server of its own under `--cpu-prof`. V8 takes the part of the loop in which uWebSockets.js reads
 * and parses for idle time, so what it cannot see is the CPU time that Linux has counted less the samples. Samples are
 * taken by the clock; they are scaled by the share of time for which threads that wanted a CPU had one.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { temporaryFolder, warrenInMemory } from '../contestants.js';
import { indexWithDigits } from '../digits.js';
import { chooseLoadTool, type LoadSpec } from '../load/closed-loop.js';
import { markdown } from '../report/table.js';
import { RunningServer } from '../running-server.js';
import { NEXT_EVERY } from '../system/a-small-numbers.js';
import { Teardowns } from '../teardowns.js';
import { profilesIn, type Thread } from './thread-profile.js';

const THREADS: readonly Thread[] = ['main', 'owner', 'format'];
const NATIVE = 'outside of JavaScript: uWebSockets.js, libuv, kernel';
const OTHERS = 'others: outside of JavaScript: V8, libuv, kernel, the profiler';
const SECONDS = 4;
const WARM_UP_S = 1;
/** Often enough for some thousand samples, and seldom enough to cost little. */
const SAMPLE_US = 1000;
/** Less than this is noise, in microseconds. */
const SHOWN = 0.01;

type Load = Omit<LoadSpec, 'port' | 'seconds'>;
const WORKLOADS: readonly (readonly [string, 'async' | 'gated', Load])[] = [
  ['async, 100', 'async', { path: '/current', connections: 100 }],
  ['async, 100, mix', 'async', { path: '/current', nextEvery: NEXT_EVERY, connections: 100 }],
  ['gated, 100, mix', 'gated', { path: '/current', nextEvery: NEXT_EVERY, connections: 100 }],
  ['async, 10', 'async', { path: '/current', connections: 10 }],
  ['async, 1,000', 'async', { path: '/current', connections: 1000 }],
];

const scope = new Teardowns();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void scope.run().finally(() => process.exit(130)));
}
const tool = chooseLoadTool(undefined);
try {
  const results: Map<string, number>[] = [];
  for (const [name, durability, load] of WORKLOADS) {
    console.error(`${name} connections …`);
    results.push(await profile(durability, load));
  }
  const most = (row: string) => Math.max(...results.map((result) => result.get(row) ?? 0));
  const rows = [...new Set(results.flatMap((result) => [...result.keys()]))]
    .filter((row) => most(row) >= SHOWN)
    .sort((a, b) => placeOf(a) - placeOf(b) || most(b) - most(a));
  console.log(
    markdown({
      title: `µs per request, ${SECONDS} s each by ${tool.name}, ${availableParallelism()} CPUs, Node ${process.versions.node}`,
      columns: ['thread: step', ...WORKLOADS.map(([name]) => name)],
      rows: rows.map((row) => [row, ...results.map((result) => (result.get(row) ?? 0).toFixed(2))]),
    }),
  );
} finally {
  await scope.run();
}

/** Microseconds per request, by thread and step. */
async function profile(durability: 'async' | 'gated', load: Load): Promise<Map<string, number>> {
  const folder = await temporaryFolder(scope);
  const plain = warrenInMemory(durability);
  const flags = ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-interval=${SAMPLE_US}`];
  const contestant = { ...plain, args: [...flags, ...plain.args] };
  const server = await RunningServer.start(scope, contestant, { initialIndex: indexWithDigits(20) });
  await tool.run(scope, { ...load, port: server.port, seconds: WARM_UP_S });
  const before = usage(server);
  const { requests } = await tool.run(scope, { ...load, port: server.port, seconds: SECONDS });
  const after = usage(server);
  // The profiles are written when the threads end.
  await server.stop();
  const perRequest = new Map<string, number>();
  const sampled = { main: 0, others: 0 };
  const used = { main: between(before.main, after.main), others: between(before.others, after.others) };
  for (const [thread, steps] of profilesIn(folder, { from: before.at, to: after.at })) {
    const group = thread === 'main' ? 'main' : 'others';
    const { running, waiting } = used[group];
    for (const [step, time] of steps) {
      const share = time * (running / (running + waiting));
      perRequest.set(`${thread}: ${step}`, share / requests);
      sampled[group] += share;
    }
  }
  perRequest.set(`main: ${NATIVE}`, Math.max(0, used.main.running - sampled.main) / requests);
  perRequest.set(OTHERS, Math.max(0, used.others.running - sampled.others) / requests);
  perRequest.set('all threads: CPU time by Linux', (used.main.running + used.others.running) / requests);
  return perRequest;
}

/** How long threads had a CPU, and how long they wanted one, in microseconds. */
interface CpuTime {
  readonly running: number;
  readonly waiting: number;
}

function between(before: CpuTime, after: CpuTime): CpuTime {
  return { running: after.running - before.running, waiting: after.waiting - before.waiting };
}

function usage({ pid }: RunningServer): { main: CpuTime; others: CpuTime; at: number } {
  const others = { running: 0, waiting: 0 };
  let main = others;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const text = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8');
    const [running = 0, waiting = 0] = text.split(' ').map((nanoseconds) => Number(nanoseconds) / 1000);
    if (thread === `${pid}`) main = { running, waiting };
    else {
      others.running += running;
      others.waiting += waiting;
    }
  }
  return { main, others, at: Number(process.hrtime.bigint() / 1000n) };
}

function placeOf(row: string): number {
  const at = THREADS.findIndex((thread) => row.startsWith(`${thread}:`));
  if (at < 0) return row === OTHERS ? THREADS.length : THREADS.length + 1;
  return at;
}
