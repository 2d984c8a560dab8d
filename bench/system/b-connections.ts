/** (b) The reads of (a) with few connections, where a batch holds few requests, and with many. */
import { measured, ratioBar } from '../bars.js';
import { CEILING, UWS_WORKER, warrenInMemory } from '../contestants.js';
import { indexWithDigits } from '../digits.js';
import type { Bar, Measurement, Table } from '../measurement.js';
import { race, stepsOf } from '../race.js';
import { loadTable } from '../report/table.js';
import type { BenchContext, Scenario } from '../scenario.js';

const CONNECTIONS = [10, 1000];
const CONTESTANTS = [CEILING, warrenInMemory('async'), UWS_WORKER];

function rounds({ quick }: BenchContext) {
  return quick ? { rounds: 1, seconds: 1, warmUp: false } : { rounds: 3, seconds: 2, warmUp: true };
}

export const connections: Scenario = {
  key: 'b',
  title: 'Small numbers, 10 and 1,000 connections',

  steps: (context) => CONNECTIONS.length * stepsOf({ contestants: CONTESTANTS.length, ...rounds(context) }),

  async run(context) {
    const { seconds, ...plan } = rounds(context);
    const tables: Table[] = [];
    const bars: Bar[] = [];
    const measurements: Measurement[] = [];
    for (const number of CONNECTIONS) {
      const workload = `/current, 20 digits, ${number.toLocaleString('en-US')} connections`;
      const results = await race(context, {
        ...plan,
        workload,
        contestants: CONTESTANTS,
        load: { path: '/current', connections: number, seconds },
        initialIndex: indexWithDigits(20),
        digits: 20,
      });
      const [ceiling, warren] = [measured(results, CEILING), measured(results, warrenInMemory('async'))];
      tables.push(loadTable(workload, results));
      bars.push(
        ...ratioBar(
          `async, ${number} connections: throughput`,
          'at least',
          0.8,
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
