/** The results of a race as pages: all of them for docs/race.md, and a short table for the README. */
import type { Measurement, Sample, Table } from '../measurement.js';
import { barTable } from '../report/bar-table.js';
import { describe, type Surroundings } from '../report/surroundings.js';
import { count, figures, markdown, milliseconds, withRange, withSpread } from '../report/table.js';
import { ratios, summarize } from '../statistics.js';
import type { Honesty } from './honesty.js';
import { raceBars } from './race-bars.js';
import type { RaceContestant } from './race-contestants.js';
import { LOADS, type RaceLoad, type RaceResults, workloadOf } from './race-results.js';

const BEGIN = '<!-- race -->';
const END = '<!-- /race -->';

const WHAT = `One job, done by what you would use instead of Warren: add one to a durable counter, and answer with the new value, over HTTP,
when it is durable. \`POST /counter/{key}/add\` with the body \`{"by":1}\`. Each contestant is written as its documentation shows it, and as short as that allows:
[the programs](../bench/race/programs) have about twenty to forty lines each, and thirty for HTTP that some of them share.`;

const HOW = `- **Load** comes from wrk with one thread on the same machine, in a closed loop: each connection sends its next request when it has its answer. Keys are taken at random.
  On two cores wrk takes up to one of them from the contestant.
- **Rounds** are interleaved: in each round every contestant runs once, in rotated order, after a warm-up. Figures are medians with half of their range; ratios are taken within
  each round against bare uWebSockets.js, which stores nothing.
- **CPU** is user and system time of all processes of a contestant, Redis and PostgreSQL included, divided by its answers. **Memory** is theirs after a run, the highest of all
  runs; what they share counts once.
- **Syncs** are calls of fsync, fdatasync, sync_file_range and msync, counted by perf in a run of its own. A contestant without any does not ask for the disk before it answers: what it
  answered survives the death of a process, and not a loss of power.
- **kill -9**: 50 connections add, all processes of the contestant are killed at once, and it is started again on the same files. "kept" means: every number that was answered was behind
  the next one, and none was answered twice. The files stay in the memory of the kernel, so this column says nothing about a loss of power.`;

const UNFAIR = `- **To the programs of 30 and 40 lines:** they have no limits, no keys beyond memory, no bad input, no idempotency keys, no fail-over, no metrics, no upgrade of states. They do win where one
  connection waits for one disk, since they need one thread less.
- **To PostgreSQL:** it can do far more than add, and one row is its worst case: transactions on it wait for each other. A function that adds many at once would be faster, as the
  program with one INCRBY shows for Redis.
- **To workerd:** it is the runtime under Cloudflare's network and not tuned for one machine; each object has an SQLite file of its own, and each answer waits for its own sync.
- **To Restate:** it records each step of a handler in a replicated log and can resume a handler in the middle, which a counter does not need. Its default number of partitions
  is for larger machines than this one.
- **To rivetkit:** this is 2.0.33 with its file driver. 2.3.19 brings an engine of its own; in a first trial, on another machine, it answered 64 times a second, for a reason of its own,
  and without syncs. The actor is asked through the client in its process, behind \`node:http\`, on Node 24.
- **To Redis:** \`appendfsync always\` is not how most run it. On Redis the promise of Warren is that of Redis.
- **To Warren:** all others are asked for nothing beyond the counter, so limits, checks of each input and supervision are in its figures alone.`;

export function racePage(facts: Surroundings, results: RaceResults): string {
  return `${[
    '# Side by side',
    WHAT,
    '![Answers a second of each contestant](race.svg)',
    `\`${facts.command}\` makes this page, the picture and the table of the README, in about twelve minutes.`,
    describe(facts).split('\n').slice(0, -1).join('\n'),
    ...busy(facts),
    ...LOADS.map((load) => loadSection(results, load)).filter((section) => section !== undefined),
    markdown(durabilityTable(results)),
    '## What Warren wants to reach',
    markdown(barTable(raceBars(results))),
    '## How it is measured',
    HOW,
    '## What is unfair, and to whom',
    UNFAIR,
    ...(results.notes.length > 0
      ? ['## Who could not take part', results.notes.map((note) => `- ${note}`).join('\n')]
      : []),
  ].join('\n\n')}\n`;
}

function loadSection(results: RaceResults, load: RaceLoad): string | undefined {
  const of = results.measurements.filter(({ workload }) => workload === workloadOf(load));
  const baseline = of.find(
    ({ contestant }) => contestant === results.contestants.find(({ kind }) => kind === 'bare')?.name,
  );
  if (of.length === 0) return undefined;
  const title = workloadOf(load);
  return markdown({
    title: `${title.charAt(0).toUpperCase()}${title.slice(1)}`,
    columns: ['contestant', 'answers/s', 'of bare (range)', 'p50 ms', 'p99 ms', 'CPU µs', 'errors'],
    rows: of.map((measurement) => [
      measurement.contestant,
      withSpread(summary(measurement, 'requestsPerSecond')),
      baseline
        ? withRange(ratios(figures(measurement, 'requestsPerSecond'), figures(baseline, 'requestsPerSecond')))
        : '–',
      milliseconds(summary(measurement, 'p50').median),
      milliseconds(summary(measurement, 'p99').median),
      microseconds(summary(measurement, 'cpuMicroseconds').median),
      count(figures(measurement, 'errors').reduce((sum, errors) => sum + errors, 0)),
    ]),
  });
}

function durabilityTable(results: RaceResults): Table {
  return {
    title: `Durability, under "${workloadOf(LOADS[0] as RaceLoad)}"; memory under all loads`,
    columns: ['contestant', 'syncs per 1,000 answers', 'kills', 'numbers answered', 'kill -9', 'memory MiB'],
    rows: results.contestants.map((contestant) => {
      const honesty = results.honesty.get(contestant.id);
      return [
        contestant.name,
        count(results.syncs.get(contestant.id) ?? Number.NaN, 1),
        honesty ? count(honesty.kills) : '–',
        honesty ? count(honesty.answered) : '–',
        verdict(contestant, honesty),
        count(memoryOf(results, contestant)),
      ];
    }),
  };
}

/** @returns the README with its table between the marks, or undefined where it has no marks. */
export function withRaceTable(readme: string, facts: Surroundings, results: RaceResults): string | undefined {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (begin < 0 || end < begin) return undefined;
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${readmeTable(facts, results)}\n\n${readme.slice(end)}`;
}

export function readmeTable(facts: Surroundings, results: RaceResults): string {
  const [many, one] = [LOADS[0] as RaceLoad, LOADS[1] as RaceLoad];
  const of = (contestant: RaceContestant, load: RaceLoad, figure: keyof Sample) => {
    const measurement = results.measurements.find(
      (each) => each.contestant === contestant.name && each.workload === workloadOf(load),
    );
    return measurement ? summary(measurement, figure).median : Number.NaN;
  };
  const table = markdown({
    title: `One key, 100 connections (p50: one connection), ${facts.cpus} cores of ${facts.cpu}, Node ${facts.versions['node']}`,
    columns: ['contestant', 'answers/s', 'p99 ms', 'p50 ms', 'CPU µs', 'syncs per 1,000', 'kill -9'],
    rows: [...results.contestants]
      .sort(
        (a, b) => orNothing(of(b, many, 'requestsPerSecond')) - orNothing(of(a, many, 'requestsPerSecond')),
      )
      .map((contestant) => [
        contestant.kind === 'warren' ? `**${contestant.name}**` : contestant.name,
        count(of(contestant, many, 'requestsPerSecond')),
        milliseconds(of(contestant, many, 'p99')),
        milliseconds(of(contestant, one, 'p50')),
        microseconds(of(contestant, many, 'cpuMicroseconds')),
        count(results.syncs.get(contestant.id) ?? Number.NaN),
        verdict(contestant, results.honesty.get(contestant.id)),
      ]),
  });
  return [table, ...busy(facts)].join('\n\n');
}

/** A run beside other work says so. */
function busy({ loadAverage, cpus }: Surroundings): string[] {
  if (loadAverage <= cpus / 2) return [];
  return [
    `**The machine had other work (load average ${loadAverage.toFixed(1)} before the run): read the order and the ratios, not the figures.**`,
  ];
}

function summary(measurement: Measurement, figure: keyof Sample) {
  return summarize(figures(measurement, figure));
}

function orNothing(value: number): number {
  return Number.isNaN(value) ? 0 : value;
}

function microseconds(value: number): string {
  return value < 100 ? value.toFixed(1) : count(value);
}

function memoryOf({ measurements }: RaceResults, { name }: RaceContestant): number {
  const all = measurements
    .filter(({ contestant }) => contestant === name)
    .flatMap((each) => figures(each, 'peakMemoryMb'));
  return all.length > 0 ? Math.max(...all) : Number.NaN;
}

function verdict({ kind }: RaceContestant, honesty: Honesty | undefined): string {
  if (kind === 'bare' || honesty === undefined) return '–';
  if (honesty.setBack === 0 && honesty.twice === 0) return 'kept';
  return `${count(honesty.setBack)} set back, ${count(honesty.twice)} twice`;
}
