/**
 * The process as metrics. Nothing is counted for this table while requests run: each row reads what the parts have
 * counted anyway, when somebody scrapes.
 */
import { Registry } from 'prom-client';
import { PROBLEMS, type ProblemCode } from '../errors.js';
import type { RequestCounts } from '../http/request-counts.js';
import { ROUTES } from '../http/routes.js';
import { type HistogramRow, type Row, registerHistogram, registerRow, type Sample } from './metric-rows.js';
import {
  checkpointLagOf,
  digitsOf,
  indexOf,
  type Parts,
  phaseOf,
  residentBytes,
  threadsOf,
} from './vitals.js';

const MS = 1e-3;

export function createMetrics(parts: Parts): Registry {
  const registry = new Registry();
  for (const row of [
    ...requestRows(parts),
    ...ownerRows(parts),
    ...digitRows(parts),
    ...processRows(parts),
  ]) {
    registerRow(registry, row);
  }
  for (const row of histogramsOf(parts)) registerHistogram(registry, row);
  return registry;
}

function histogramsOf({ owner, ownerMeter }: Parts): HistogramRow[] {
  return [
    {
      name: 'warren_answer_duration_seconds',
      help: 'From the arrival of a request to the number that the owner replied, its commit included.',
      histogram: owner.meter.latency,
      scale: MS,
      merged: 2,
    },
    {
      name: 'warren_batch_messages',
      help: 'Messages that crossed to the owner together.',
      histogram: owner.meter.batchSizes,
      scale: 1,
      merged: 1,
    },
    {
      name: 'warren_commit_duration_seconds',
      help: 'Commits that the store answered.',
      histogram: ownerMeter.commitLatency,
      scale: MS,
      merged: 2,
    },
    {
      name: 'warren_commit_steps',
      help: 'Steps of the sequence that one commit made durable together.',
      histogram: ownerMeter.groupSizes,
      scale: 1,
      merged: 1,
    },
  ];
}

function requestRows({ owner, server, config, connectionLimit }: Parts): Row[] {
  const all = (pick: (counts: RequestCounts) => number) => () =>
    server.counts.reduce((sum, counts) => sum + pick(counts), 0);
  return [
    counter(
      'requests_total',
      'Answers, by route, status and problem code.',
      () => server.counts.flatMap(answersOf),
      ['method', 'path', 'status', 'code'],
    ),
    counter(
      'clients_left_total',
      'Clients that closed their connection before the answer.',
      all((c) => c.left),
    ),
    gauge(
      'open_requests',
      'Requests that wait for an answer, or for their client to read it.',
      () => server.open,
    ),
    gauge('connections', 'Connections to the public port.', () => server.connections),
    gauge('connections_limit', 'Bound on them.', () => connectionLimit),
    counter(
      'connections_refused_total',
      'Connections that were closed at once, since there were too many.',
      () => server.connectionsRefused,
    ),
    gauge('pending_asks', 'Messages that the owner has not replied to.', () => owner.pending),
    gauge('pending_asks_limit', 'Bound on pending messages.', () => config.mailboxLimit),
    gauge('oldest_ask_seconds', 'Age of the oldest of them.', () => owner.oldestMs * MS),
  ];
}

function ownerRows(parts: Parts): Row[] {
  const { owner, ownerMeter } = parts;
  return [
    gauge('ready', '1 when numbers can be handed out.', () => Number(phaseOf(parts) === 'serving')),
    gauge('standby', '1 while another instance serves, and this one waits to take over.', () =>
      Number(owner.standby),
    ),
    gauge('healthy', '1 while front and owner turn.', () => Number(owner.alive)),
    gauge('index', 'Index of the current term.', () => indexOf(parts)),
    gauge('digits', 'Decimal digits of the current term.', () => digitsOf(parts)),
    gauge('epoch', 'Number of the current reign.', () => owner.acknowledged?.epoch ?? 0),
    gauge('checkpoint_version', 'Number of the last commit.', () => owner.acknowledged?.version ?? 0),
    gauge('checkpoint_lag', 'Steps by which replies are ahead of the store.', () => checkpointLagOf(parts)),
    counter('turns_total', 'Messages that an owner has replied to.', () => ownerMeter.turns),
    counter('commit_failures_total', 'Commits that failed or were not answered.', () => ownerMeter.failures),
    counter('commit_refusals_total', 'Commits that found another record.', () => ownerMeter.refusals),
    counter('owner_deaths_total', 'Owner threads that died and were replaced.', () => owner.meter.deaths),
  ];
}

function digitRows({ terms, pool, server: { slowReaders } }: Parts): Row[] {
  return [
    counter('terms_added_total', 'Numbers whose digits were added.', () => terms.added),
    counter(
      'conversions_total',
      'Starts at a large index that were converted to decimal.',
      () => pool.conversions,
    ),
    counter('conversion_failures_total', 'Tries of that which failed.', () => pool.failures),
    counter('conversion_seconds_total', 'Time of those that succeeded.', () => pool.tookMs * MS),
    gauge('slow_readers', 'Answers whose clients have not read all of it yet.', () => slowReaders.count),
    counter('slow_readers_cut_total', 'Clients cut off because they did not read.', () => slowReaders.cut),
    gauge('unsent_bytes', 'Copies of what they have not read.', () => slowReaders.bytes),
    gauge('unsent_bytes_limit', 'Bound on these copies.', () => slowReaders.limitBytes),
  ];
}

function processRows(parts: Parts): Row[] {
  const { version, config } = parts;
  const labels = {
    version,
    node: process.versions.node,
    store: config.store.kind,
    durability: config.durability,
  };
  const perThread = (pick: (thread: ReturnType<typeof threadsOf>[number]) => number | undefined) => () =>
    threadsOf(parts).flatMap((figures): Sample[] => {
      const value = pick(figures);
      return value === undefined ? [] : [[{ thread: figures.thread }, value]];
    });
  return [
    gauge('build_info', 'What runs here.', () => [[labels, 1]], Object.keys(labels)),
    gauge(
      'event_loop_utilization',
      'Busy share of the last second.',
      perThread((t) => t.utilization),
      ['thread'],
    ),
    gauge(
      'event_loop_lag_seconds',
      'Worst lateness of the event loop in the last second.',
      perThread((t) => t.lagMs && t.lagMs * MS),
      ['thread'],
    ),
    gauge(
      'heap_bytes',
      'JavaScript heap in use.',
      perThread((t) => t.heapBytes),
      ['thread'],
    ),
    gauge(
      'heap_limit_bytes',
      'JavaScript heap limit.',
      perThread((t) => t.heapLimitBytes),
      ['thread'],
    ),
    {
      ...gauge('', 'Resident memory.', residentBytes),
      name: 'process_resident_memory_bytes',
    },
    { ...counter('', 'Processor time.', processorSeconds), name: 'process_cpu_seconds_total' },
    {
      ...gauge('', 'Start of the process, in seconds since 1970.', () => performance.timeOrigin * MS),
      name: 'process_start_time_seconds',
    },
  ];
}

function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Zeros, too, for all that the route can answer: a rate that begins at its first burst would not see it. */
function answersOf({ method, path, ok, problems }: RequestCounts): Sample[] {
  const samples: Sample[] = method === 'ANY' ? [] : [[{ method, path, status: '200', code: '' }, ok]];
  const possible = problemsOf(method, path);
  for (const [code, count] of Object.entries(problems) as [ProblemCode, number][]) {
    if (count === 0 && !possible.has(code)) continue;
    samples.push([{ method, path, status: String(PROBLEMS[code].status), code }, count]);
  }
  return samples;
}

function problemsOf(method: string, path: string): ReadonlySet<ProblemCode> {
  const route = ROUTES.find((one) => one.path === path);
  if (!route) return new Set(['not-found']);
  if (method === 'ANY') return new Set(['method-not-allowed']);
  // Any handler may throw.
  return new Set([...route.problems, 'internal']);
}

function counter(name: string, help: string, read: Row['read'], labels: readonly string[] = []): Row {
  return { kind: 'counter', name: `warren_${name}`, help, labels, read };
}

function gauge(name: string, help: string, read: Row['read'], labels: readonly string[] = []): Row {
  return { kind: 'gauge', name: `warren_${name}`, help, labels, read };
}
