/**
 * Entry of the race: command line -> contestants side by side, load after load -> syncs -> kills -> pages. Everything that it starts ends
 * with it, also when it is interrupted.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chooseLoadTool } from '../load/closed-loop.js';
import type { Measurement, Sample } from '../measurement.js';
import { Progress } from '../report/progress.js';
import { type Surroundings, surroundings } from '../report/surroundings.js';
import { rotated } from '../statistics.js';
import { scoped, Teardowns } from '../teardowns.js';
import { type Honesty, honestyOf } from './honesty.js';
import { parseRaceArguments, type RaceArguments, USAGE } from './race-arguments.js';
import { raceChart } from './race-chart.js';
import { RACE_FOLDER, type RaceContestant, raceContestants } from './race-contestants.js';
import { racePage, readmeTable, withRaceTable } from './race-report.js';
import { LOADS, type RaceLoad, type RaceResults, workloadOf } from './race-results.js';
import { RaceServer } from './race-server.js';
import { countSyncs } from './sync-count.js';

/** The compiled file stands in dist/bench/race/. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const RESULTS = `${ROOT}bench/results/race/`;
const WARM_UP_S = 3;
const SYNC_S = 2;
const EXIT_USAGE = 64;
const EXIT_INTERRUPTED = 130;

/** The packages of the contestants stand apart, and come when they are needed for the first time. No script of theirs runs. */
function install(): void {
  if (existsSync(`${RACE_FOLDER}node_modules`)) return;
  console.error('Installing the contestants into bench/race/node_modules');
  spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', RACE_FOLDER], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

class Race {
  readonly #options: RaceArguments;
  readonly #scope: Teardowns;
  readonly #progress: Progress;
  readonly #contestants: RaceContestant[];
  readonly #notes: string[] = [];

  constructor(options: RaceArguments, all: readonly RaceContestant[], scope: Teardowns) {
    const wanted = all.filter(({ id }) => options.only.length === 0 || options.only.includes(id));
    for (const { name, missing } of wanted)
      if (missing !== undefined) this.#notes.push(`${name}: ${missing}.`);
    this.#options = options;
    this.#scope = scope;
    this.#contestants = wanted.filter(({ missing }) => missing === undefined);
    const runs = LOADS.flatMap((load) => this.#inLoad(load)).length * options.rounds;
    this.#progress = new Progress(runs + 3 * this.#contestants.length);
  }

  async run(): Promise<RaceResults> {
    this.#progress.begin('race', 'Side by side');
    try {
      const syncs = new Map<string, number>();
      const measurements = await scoped(this.#scope, async (scope) => {
        const servers = await this.#start(scope);
        const timed: Measurement[] = [];
        for (const load of LOADS) timed.push(...(await this.#timed(scope, servers, load)));
        for (const server of servers) syncs.set(server.contestant.id, await this.#syncs(scope, server));
        return timed;
      });
      const honesty = new Map<string, Honesty>();
      for (const contestant of this.#contestants) {
        if (contestant.kind === 'bare' || this.#options.kills === 0) continue;
        this.#progress.step(`${contestant.name}: kill -9`);
        const { kills } = this.#options;
        try {
          honesty.set(
            contestant.id,
            await scoped(this.#scope, (scope) => honestyOf(scope, contestant, kills)),
          );
        } catch (error) {
          this.#failed(contestant, error);
        }
      }
      return { contestants: this.#contestants, measurements, syncs, honesty, notes: this.#notes };
    } finally {
      this.#progress.end();
    }
  }

  #inLoad({ fastOnly = false }: RaceLoad): RaceContestant[] {
    return this.#contestants.filter(({ fast = false }) => fast || !fastOnly);
  }

  /** All of them, warmed up. One that does not come up is left out. */
  async #start(scope: Teardowns): Promise<RaceServer[]> {
    const servers: RaceServer[] = [];
    for (const contestant of [...this.#contestants]) {
      this.#progress.step(`${contestant.name}: warm-up`);
      try {
        const server = await RaceServer.start(scope, contestant, await contestant.prepare(scope));
        await server.timed(scope, { connections: 100, keys: 100, seconds: WARM_UP_S });
        await server.rest();
        servers.push(server);
      } catch (error) {
        this.#failed(contestant, error);
        this.#contestants.splice(this.#contestants.indexOf(contestant), 1);
      }
    }
    return servers;
  }

  async #timed(scope: Teardowns, all: readonly RaceServer[], load: RaceLoad): Promise<Measurement[]> {
    const takePart = this.#inLoad(load);
    const servers = all.filter(({ contestant }) => takePart.includes(contestant));
    const samples = new Map<RaceServer, Sample[]>(servers.map((server) => [server, []]));
    const { rounds, seconds } = this.#options;
    for (let round = 0; round < rounds; round++) {
      for (const server of rotated(servers, round)) {
        this.#progress.step(`${server.contestant.name}: ${workloadOf(load)}`);
        samples.get(server)?.push(await server.timed(scope, { ...load, seconds }));
        await server.rest();
      }
    }
    return [...samples].map(([{ contestant }, each]) => ({
      contestant: contestant.name,
      workload: workloadOf(load),
      rounds: each,
    }));
  }

  /** For each 1,000 answers. */
  async #syncs(scope: Teardowns, server: RaceServer): Promise<number> {
    this.#progress.step(`${server.contestant.name}: syncs`);
    let answers = 0;
    const syncs = await countSyncs(scope, server.pids, async () => {
      const { connections, keys } = LOADS[0] as RaceLoad;
      answers = (await server.timed(scope, { connections, keys, seconds: SYNC_S })).requests;
    });
    return (1_000 * syncs) / answers;
  }

  #failed({ name }: RaceContestant, error: unknown): void {
    console.error(error);
    process.exitCode = 1;
    this.#notes.push(
      `${name} failed: ${(error instanceof Error ? error.message : String(error)).split('\n')[0]}`,
    );
  }
}

/** The figures of every round of the last race, as JSON. The pages show medians and spreads of them. */
function keep(facts: Surroundings, results: RaceResults): void {
  const { measurements, syncs, honesty, notes } = results;
  const all = {
    ...facts,
    measurements,
    syncs: Object.fromEntries(syncs),
    honesty: Object.fromEntries(honesty),
    notes,
  };
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(`${RESULTS}results.json`, `${JSON.stringify(all, undefined, 2)}\n`);
  console.log(`\nWritten: ${RESULTS}results.json`);
}

function write(facts: Surroundings, results: RaceResults): void {
  writeFileSync(`${ROOT}docs/race.md`, racePage(facts, results));
  writeFileSync(`${ROOT}docs/race.svg`, raceChart(results));
  const readme = withRaceTable(readFileSync(`${ROOT}README.md`, 'utf8'), facts, results);
  if (readme !== undefined) writeFileSync(`${ROOT}README.md`, readme);
  console.log('\nWritten: docs/race.md, docs/race.svg, and the table of README.md');
}

async function main(argv: readonly string[]): Promise<number | undefined> {
  let options: RaceArguments;
  try {
    options = parseRaceArguments(
      argv,
      raceContestants().map(({ id }) => id),
    );
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return EXIT_USAGE;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  install();
  const scope = new Teardowns();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void scope.run().finally(() => process.exit(EXIT_INTERRUPTED)));
  try {
    const load = chooseLoadTool('wrk');
    const facts = {
      ...surroundings(load, argv),
      command: ['npm run bench:race', ...(argv.length > 0 ? ['--', ...argv] : [])].join(' '),
    };
    if (facts.loadAverage > facts.cpus / 2)
      console.error(
        `This machine is busy (load average ${facts.loadAverage.toFixed(1)}): the figures will mean little.`,
      );
    const results = await new Race(options, raceContestants(), scope).run();
    console.log(racePage(facts, results));
    console.log(readmeTable(facts, results));
    keep(facts, results);
    if (options.write) write(facts, results);
    return undefined;
  } catch (error) {
    console.error(error);
    return 1;
  } finally {
    await scope.run();
  }
}

process.exitCode = (await main(process.argv.slice(2))) ?? process.exitCode ?? 0;
