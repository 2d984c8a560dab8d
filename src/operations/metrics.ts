/**
 * The metrics of the process. A scrape reads counters that the other parts keep anyway, so metrics cost nothing while requests run.
 */
import { Registry } from 'prom-client';
import { PROBLEMS, type ProblemCode } from '../errors.js';
import type { RequestCounts } from '../http/request-counts.js';
import { counter, gauge, type MetricRow, type Sample } from '../meter/metric-row.js';
import {
  EVICTIONS,
  FAILURES,
  LOADS,
  RECORD_BYTES,
  RECORDS_EXPIRED,
  REFUSALS,
  STATE_BYTES,
  STATES,
  UNSTORED,
  VERSION,
} from '../meter/owner-meter.js';
import type { NodesReport } from '../nodes/nodes-report.js';
import type { Router } from '../nodes/router.js';
import type { NodeState } from '../store/node-entry.js';
import { type HistogramRow, registerHistogram, registerRow } from './metric-rows.js';
import { type Parts, pendingOf, phaseOf, residentBytes, threadsOf } from './process-figures.js';

const MS = 1e-3;
const NO_FORWARDS: Router['counts'] = { answered: 0, 'not-consumed': 0, unknown: 0 };

export function createMetrics(parts: Parts): Registry {
  const registry = new Registry();
  const ofResidents = [...parts.residents.values()].flatMap(({ metrics }) => metrics);
  const rows = [...requestRows(parts), ...ownerRows(parts), ...nodeRows(parts)];
  for (const row of [...rows, ...ofResidents, ...processRows(parts)]) registerRow(registry, row);
  for (const row of histogramsOf(parts)) registerHistogram(registry, row);
  return registry;
}

function histogramsOf({ requests, ownerMeter, nodes }: Parts): HistogramRow[] {
  return [
    {
      name: 'warren_answer_duration_seconds',
      help: 'Time from the arrival of a request to the reply of the owner, including the commit, by actor.',
      histograms: requests.latencies,
      scale: MS,
      merged: 2,
    },
    {
      name: 'warren_batch_messages',
      help: 'Messages that were handed to the owner thread together.',
      histograms: new Map([['', requests.batchSizes]]),
      scale: 1,
      merged: 1,
    },
    {
      name: 'warren_commit_duration_seconds',
      help: 'Time of commits that the store answered.',
      histograms: new Map([['', ownerMeter.commitLatency]]),
      scale: MS,
      merged: 2,
    },
    {
      name: 'warren_commit_actors',
      help: 'Actors whose states one commit stored.',
      histograms: new Map([['', ownerMeter.groupSizes]]),
      scale: 1,
      merged: 1,
    },
    {
      name: 'warren_commit_bytes',
      help: 'Size of one commit in characters: names and states.',
      histograms: new Map([['', ownerMeter.groupBytes]]),
      scale: 1,
      merged: 1,
    },
    {
      name: 'warren_forward_duration_seconds',
      help: 'Time from sending a request to another node until its answer.',
      histograms: new Map(nodes && [['', nodes.router.latency]]),
      scale: MS,
      merged: 2,
    },
  ];
}

function requestRows(parts: Parts): MetricRow[] {
  const { owner, server, config, connectionLimit } = parts;
  const { slowReaders } = server;
  const all = (pick: (counts: RequestCounts) => number) => () =>
    server.counts.reduce((sum, counts) => sum + pick(counts), 0);
  return [
    counter(
      'requests_total',
      'Answers, by actor, route, status and problem code.',
      () => server.counts.flatMap((counts) => answersOf(counts, parts)),
      ['actor', 'method', 'path', 'status', 'code'],
    ),
    counter(
      'refusals_total',
      'Refusals of actors, by route.',
      () =>
        server.counts
          .filter(({ method, actor }) => actor !== '' && method !== 'ANY')
          .map(({ actor, method, path, refused }): Sample => [{ actor, method, path }, refused]),
      ['actor', 'method', 'path'],
    ),
    counter(
      'clients_left_total',
      'Clients that closed their connection before they had an answer.',
      all((c) => c.left),
    ),
    gauge(
      'open_requests',
      'Requests that wait for an answer, or for their client to read it.',
      () => server.open,
    ),
    gauge('connections', 'Connections to the public port.', () => server.connections),
    gauge('connections_limit', 'Limit on connections to the public port.', () => connectionLimit),
    counter(
      'connections_refused_total',
      'Connections that were closed at once because there were too many.',
      () => server.connectionsRefused,
    ),
    gauge('pending_requests', 'Requests that the owner has not answered.', () => pendingOf(parts)),
    gauge(
      'pending_requests_limit',
      'Limit on requests that the owner has not answered.',
      () => config.mailboxLimit,
    ),
    gauge(
      'oldest_pending_request_seconds',
      'Age of the oldest request that the owner has not answered.',
      () => owner.oldestMs * MS,
    ),
    gauge('slow_readers', 'Answers that their clients have not read completely.', () => slowReaders.count),
    counter(
      'slow_readers_cut_total',
      'Clients whose connection was closed because they did not read their answer.',
      () => slowReaders.cut,
    ),
    gauge('unsent_bytes', 'Memory for answers that clients have not read.', () => slowReaders.bytes),
    gauge(
      'unsent_bytes_limit',
      'Limit on the memory for answers that clients have not read.',
      () => slowReaders.limitBytes,
    ),
  ];
}

function ownerRows(parts: Parts): MetricRow[] {
  const { owner, ownerMeter, nodes } = parts;
  const figure = (cell: number) => () => ownerMeter.read(cell);
  return [
    gauge('ready', '1 when requests are answered.', () => Number(phaseOf(parts) === 'serving')),
    gauge('standby', '1 while another instance serves and this one waits to take over.', () =>
      Number(!nodes && owner.standby),
    ),
    gauge('healthy', '1 while the main thread and the owner thread are responsive.', () =>
      Number(owner.alive),
    ),
    gauge('epoch', 'Epoch (fencing token) of the owner.', () => owner.epoch),
    gauge('commit_version', 'Number of the last commit.', figure(VERSION)),
    gauge('unstored_actors', 'Actors whose newest state is not stored yet.', figure(UNSTORED)),
    gauge('states', 'States in the memory of the owner.', figure(STATES)),
    gauge('state_bytes', 'Approximate size of the states in the memory of the owner.', figure(STATE_BYTES)),
    gauge(
      'state_bytes_limit',
      'Limit on the size of the states in memory.',
      () => parts.config.stateMemoryBytes,
    ),
    counter('state_loads_total', 'Reads of a state from the store.', figure(LOADS)),
    counter(
      'state_evictions_total',
      'States removed from memory to make room; the store still has them.',
      figure(EVICTIONS),
    ),
    gauge(
      'idempotency_bytes',
      'Size of the idempotency keys and their answers in the store.',
      figure(RECORD_BYTES),
    ),
    gauge(
      'idempotency_bytes_limit',
      'Limit on the size of idempotency keys and their answers.',
      () => parts.config.idempotencyBytes,
    ),
    counter('idempotency_expired_total', 'Idempotency keys that have expired.', figure(RECORDS_EXPIRED)),
    counter('turns_total', 'Messages that an owner has replied to.', () => owner.replies),
    counter('commit_failures_total', 'Commits that failed or were not answered.', figure(FAILURES)),
    counter(
      'commit_refusals_total',
      'Commits that were refused because another owner has replaced the fence.',
      figure(REFUSALS),
    ),
    counter('owner_deaths_total', 'Owner threads that died and were replaced.', () => owner.deaths),
  ];
}

/** Zeros, too, where this process is not one of several nodes, so that one dashboard fits every deployment. */
function nodeRows({ owner, nodes }: Parts): MetricRow[] {
  const states: readonly NodeState[] = ['joining', 'ready', 'leaving'];
  const forwards = nodes?.router.counts ?? NO_FORWARDS;
  return [
    gauge('shards', 'Shards of the store.', () => owner.shards),
    gauge('shards_owned', 'Shards that this node owns, and whose commits pass.', () => owner.owned),
    gauge(
      'shards_misplaced',
      'Shards that are about to move: this node owns them and another one should, or the reverse.',
      () => (nodes ? misplaced(nodes.report) : 0),
    ),
    counter(
      'shards_taken_total',
      'Shards that came to this node: at its start, from another node, or from a node that was lost.',
      () => nodes?.moves.taken ?? 0,
    ),
    counter('shards_given_total', 'Shards that went to another node.', () => nodes?.moves.given ?? 0),
    gauge(
      'nodes',
      'Living nodes on the same Redis as this node knows them, this one among them, by state.',
      () =>
        states.map((state): Sample => {
          const { length } = nodes?.router.nodes.filter((node) => node.state === state) ?? [];
          return [{ state }, length];
        }),
      ['state'],
    ),
    counter(
      'forwards_total',
      'Requests that were sent to another node, by what came of it: not-consumed is sent again, unknown was cut off.',
      () => Object.entries(forwards).map(([outcome, count]): Sample => [{ outcome }, count]),
      ['outcome'],
    ),
  ];
}

function misplaced({ coming, going }: NodesReport): number {
  return coming + going;
}

function processRows(parts: Parts): MetricRow[] {
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
    gauge(
      'build_info',
      'Version, Node.js version, store and durability of this process.',
      () => [[labels, 1]],
      Object.keys(labels),
    ),
    gauge(
      'event_loop_utilization',
      'Share of the last second in which the thread was busy, from 0 to 1.',
      perThread((t) => t.utilization),
      ['thread'],
    ),
    gauge(
      'event_loop_lag_seconds',
      'Longest delay of the event loop in the last second.',
      perThread((t) => t.lagMs && t.lagMs * MS),
      ['thread'],
    ),
    gauge(
      'heap_bytes',
      'JavaScript heap in use, by thread.',
      perThread((t) => t.heapBytes),
      ['thread'],
    ),
    gauge(
      'heap_limit_bytes',
      'JavaScript heap limit, by thread.',
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
function answersOf({ actor, method, path, ok, problems }: RequestCounts, { server }: Parts): Sample[] {
  const samples: Sample[] = method === 'ANY' ? [] : [[{ actor, method, path, status: '200', code: '' }, ok]];
  const possible = server.problemsOf(method, path);
  for (const [code, count] of Object.entries(problems) as [ProblemCode, number][]) {
    if (count === 0 && !possible.includes(code)) continue;
    samples.push([{ actor, method, path, status: String(PROBLEMS[code].status), code }, count]);
  }
  return samples;
}
