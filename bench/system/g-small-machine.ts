/**
 * (g) Within 1 CPU and 512 MB, as a small container has: the load of (a), and then a minute of `/next` that must not be
 * killed for its memory. Each server has the limits for itself, and is up alone; the load generator is outside.
 */
import { figureBar, objectionTo } from '../bars.js';
import { CEILING, type Contestant, UWS_BIGINT, warrenInMemory, warrenOnLevel } from '../contestants.js';
import { ControlGroup } from '../control-group.js';
import { digitsAt, indexWithDigits } from '../digits.js';
import type { Measurement, Sample } from '../measurement.js';
import { timed } from '../race.js';
import { count, loadTable } from '../report/table.js';
import { RunningServer } from '../running-server.js';
import type { BenchContext, Scenario } from '../scenario.js';
import { rotated } from '../statistics.js';
import { scoped } from '../teardowns.js';

const LIMITS = { cpus: 1, memoryMb: 512 };
const CONNECTIONS = 100;
/** As the image sets it: without it Node takes its heap limit from the machine and not from the group. */
const HEAP = { NODE_OPTIONS: '--max-old-space-size=128' };
/** Less than the group allows: the rest is left to the page cache and to the runtime's peaks. */
const MEMORY_BAR_MB = 300;
/** For each start. */
const START_S = 1;
const READS = '/current, 20 digits, 1 CPU';
const ENDURANCE = '/next from index 1,000,000, 1 CPU and 512 MB';

function plan({ quick }: BenchContext) {
  return quick ? { rounds: 1, seconds: 1, endurance: 3 } : { rounds: 3, seconds: 1, endurance: 60 };
}

export const smallMachine: Scenario = {
  key: 'g',
  title: 'Within 1 CPU and 512 MB',

  plan(context) {
    const { rounds, seconds, endurance } = plan(context);
    const runs = 3 * rounds + 1;
    return { steps: runs, seconds: (runs - 1) * seconds + endurance + runs * START_S };
  },

  async run(context) {
    const { rounds, seconds, endurance } = plan(context);
    const permitted = await scoped(context.scope, async (scope) => ControlGroup.create(scope, LIMITS));
    if (typeof permitted === 'string') {
      return {
        key: 'g',
        title: this.title,
        tables: [],
        bars: [],
        measurements: [],
        notes: [`left out: ${permitted}`],
      };
    }
    const contestants = [CEILING, warrenInMemory('async'), UWS_BIGINT];
    const samples = new Map(contestants.map((contestant) => [contestant, [] as Sample[]]));
    for (let round = 0; round < rounds; round++) {
      for (const contestant of rotated(contestants, round)) {
        context.step(`${contestant.name}: ${READS}`);
        const sample = await withinLimits(context, contestant, indexWithDigits(20), '/current', seconds);
        samples.get(contestant)?.push(sample);
      }
    }
    const reads: Measurement[] = contestants.map((contestant) => ({
      contestant: contestant.name,
      workload: READS,
      digits: 20,
      rounds: samples.get(contestant) ?? [],
    }));
    context.step(`Warren: ${ENDURANCE}`);
    const { name } = warrenOnLevel('gated');
    const lasting = await withinLimits(context, warrenOnLevel('gated'), 1_000_000, '/next', endurance).catch(
      () => undefined,
    );
    const survived: Measurement = {
      contestant: name,
      workload: ENDURANCE,
      rounds: lasting ? [lasting] : [],
    };
    return {
      key: 'g',
      title: this.title,
      tables: [loadTable(READS, reads), loadTable(`${ENDURANCE}, ${endurance} s`, [survived])],
      bars: [
        figureBar(
          `${name}, ${endurance} s of numbers of ${count(digitsAt(1_000_000))} digits and more: errors`,
          'at most',
          0,
          lasting?.errors ?? Number.NaN,
          '',
        ),
        figureBar(
          `${name}: peak memory`,
          'at most',
          MEMORY_BAR_MB,
          lasting?.peakMemoryMb ?? Number.NaN,
          'MiB',
          lasting && objectionTo(survived),
        ),
      ],
      measurements: [...reads, survived],
      notes: lasting ? [] : [`${name} did not live through it`],
    };
  },
};

/** Throws when the server was killed. */
function withinLimits(
  context: BenchContext,
  contestant: Contestant,
  initialIndex: number,
  path: '/current' | '/next',
  seconds: number,
): Promise<Sample> {
  return scoped(context.scope, async (scope) => {
    const group = ControlGroup.create(scope, LIMITS);
    if (typeof group === 'string') throw new Error(group);
    const server = await RunningServer.start(scope, contestant, { initialIndex, group, env: HEAP });
    return timed(context, scope, server, { path, connections: CONNECTIONS, seconds });
  });
}
