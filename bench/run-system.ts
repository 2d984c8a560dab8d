/**
 * Entry of the system bench: command line -> scenarios, one after the other -> report. Everything that it starts ends with it, also
 * when it is interrupted.
 */
import { fileURLToPath } from 'node:url';
import { startRedis } from '../test/support/redis-process.js';
import { type Arguments, parseArguments, USAGE } from './arguments.js';
import { foreignPeer } from './contestants.js';
import { hasRedis } from './has-redis.js';
import { chooseLoadTool, type LoadTool } from './load/closed-loop.js';
import type { ScenarioResult } from './measurement.js';
import { Progress } from './report/progress.js';
import { pageOf, writeReport } from './report/report.js';
import { surroundings } from './report/surroundings.js';
import { RunningServer } from './running-server.js';
import { type BenchContext, type Scenario, sumOf } from './scenario.js';
import { smallNumbers } from './system/a-small-numbers.js';
import { connections } from './system/b-connections.js';
import { fixedSizes } from './system/c-fixed-sizes.js';
import { freshSequence } from './system/d-fresh-sequence.js';
import { fixedRate } from './system/e-fixed-rate.js';
import { durability } from './system/f-durability.js';
import { smallMachine } from './system/g-small-machine.js';
import { start } from './system/h-start.js';
import { faults } from './system/i-faults.js';
import { actors } from './system/j-actors.js';
import { exporting } from './system/k-export.js';
import { exactlyOnce } from './system/l-exactly-once.js';
import { scoped, Teardowns } from './teardowns.js';

const SCENARIOS: readonly Scenario[] = [
  smallNumbers,
  connections,
  fixedSizes,
  freshSequence,
  fixedRate,
  durability,
  smallMachine,
  start,
  faults,
  actors,
  exporting,
  exactlyOnce,
];
/** The compiled file stands in dist/bench/. */
const RESULTS = fileURLToPath(new URL('../../bench/results/', import.meta.url));
const EXIT_USAGE = 64;
const EXIT_INTERRUPTED = 130;

let interrupted = false;

async function bench(options: Arguments, argv: readonly string[], scope: Teardowns): Promise<void> {
  const load = chooseLoadTool(options.load);
  const facts = surroundings(load, argv);
  if (facts.loadAverage > facts.cpus / 2) {
    console.error(
      `This machine is busy (load average ${facts.loadAverage.toFixed(1)}): the figures will mean little.`,
    );
  }
  for (const peer of options.peers) {
    await scoped(scope, (inner) => RunningServer.start(inner, foreignPeer(peer), { initialIndex: 0 }));
  }
  const wanted = SCENARIOS.filter(({ key }) => options.scenarios.includes(key));
  const contextWith = (inner: Teardowns, step: BenchContext['step']) => contextOf(options, load, inner, step);
  const idle = contextWith(scope, () => {});
  const { steps, seconds } = sumOf(wanted.map((scenario) => scenario.plan(idle)));
  console.error(
    `About ${planned(seconds)}: ${wanted.map((scenario) => `(${scenario.key}) ${planned(scenario.plan(idle).seconds)}`).join(', ')}`,
  );
  const progress = new Progress(steps);
  const results: ScenarioResult[] = [];
  try {
    for (const scenario of wanted) {
      progress.begin(scenario.key, scenario.title);
      const step = (what: string) => progress.step(what);
      try {
        results.push(await scoped(scope, (inner) => scenario.run(contextWith(inner, step))));
      } catch (error) {
        if (interrupted) return;
        console.error(error);
        process.exitCode = 1;
        results.push(failed(scenario, error));
      }
    }
  } finally {
    progress.end();
    if (results.length > 0) {
      console.log(pageOf(facts, results));
      const folder = `${RESULTS}${options.name ?? facts.at.replaceAll(':', '-').slice(0, 19)}`;
      console.log(`\nWritten:\n${writeReport(folder, facts, results).join('\n')}`);
    }
  }
}

function planned(seconds: number): string {
  return seconds < 100 ? `${Math.ceil(seconds)} s` : `${(seconds / 60).toFixed(1)} min`;
}

/** The others go on without it. */
function failed({ key, title }: Scenario, error: unknown): ScenarioResult {
  const reason = error instanceof Error ? error.message : String(error);
  return { key, title, tables: [], bars: [], measurements: [], notes: [`this scenario failed: ${reason}`] };
}

function contextOf(
  { quick, peers }: Arguments,
  load: LoadTool,
  scope: Teardowns,
  step: BenchContext['step'],
): BenchContext {
  return {
    quick,
    load,
    foreign: peers,
    scope,
    step,
    startRedis: async (redisOptions) => (hasRedis() ? startRedis(scope, redisOptions) : undefined),
  };
}

/** @returns the exit code, unless a scenario has set one. */
async function main(): Promise<number | undefined> {
  const argv = process.argv.slice(2);
  let options: Arguments;
  try {
    options = parseArguments(argv);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return EXIT_USAGE;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const scope = new Teardowns();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      interrupted = true;
      void scope.run().finally(() => process.exit(EXIT_INTERRUPTED));
    });
  }
  try {
    await bench(options, argv, scope);
    return undefined;
  } catch (error) {
    console.error(error);
    return 1;
  } finally {
    await scope.run();
  }
}

process.exitCode = (await main()) ?? process.exitCode ?? 0;
