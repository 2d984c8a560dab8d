/** (b) The reads of (a), `/current` at 20 digits, with few connections, where a batch holds few requests, and with many. */
import { measured, ratioBar } from '../bars.js';
import { CEILING, type Contestant, UWS_BIGINT, UWS_WORKER, warrenInMemory } from '../contestants.js';
import { indexWithDigits } from '../digits.js';
import type { Bar, Measurement, Table } from '../measurement.js';
import { type Pace, planOf, race } from '../race.js';
import { loadTable } from '../report/table.js';
import { type BenchContext, type Scenario, sumOf } from '../scenario.js';

const CONNECTIONS = [10, 1000];
const CONTESTANTS = [CEILING, warrenInMemory('async')];
const BAR = 0.8;

function pace({ quick }: BenchContext): Pace {
  return quick ? { rounds: 1, seconds: 1, warmUp: true } : { rounds: 3, seconds: 2, warmUp: true };
}

function peers({ quick }: BenchContext): Contestant[] {
  return quick ? [] : [UWS_BIGINT, UWS_WORKER];
}

export const connections: Scenario = {
  key: 'b',
  title: 'Small numbers, 10 and 1,000 connections',

  plan: (context) =>
    sumOf(CONNECTIONS.map(() => planOf(pace(context), CONTESTANTS.length, peers(context).length))),

  async run(context) {
    const tables: Table[] = [];
    const bars: Bar[] = [];
    const measurements: Measurement[] = [];
    for (const number of CONNECTIONS) {
      const workload = `/current, 20 digits, ${number.toLocaleString('en-US')} connections`;
      const results = await race(context, {
        ...pace(context),
        workload,
        contestants: CONTESTANTS,
        once: peers(context),
        load: { path: '/current', connections: number },
        initialIndex: indexWithDigits(20),
        digits: 20,
      });
      const [ceiling, warren] = [measured(results, CEILING), measured(results, warrenInMemory('async'))];
      tables.push(loadTable(workload, results));
      bars.push(
        ...ratioBar(
          `async, ${number} connections: throughput`,
          'at least',
          BAR,
          'requestsPerSecond',
          warren,
          ceiling,
        ),
      );
      measurements.push(...results);
    }
    return { key: 'b', title: this.title, tables, bars, measurements, notes: [] };
  },
};
