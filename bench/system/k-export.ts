/**
 * (k) Export: a million small actors on LevelDB, exported through the admin listener while commands at random run: how long it takes, what it costs the
 * commands, and how much memory it takes. The store is filled by an import, which is timed, too.
 */
import { createWriteStream } from 'node:fs';
import { cp } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { ChildHandle } from '../../test/support/child-handle.js';
import { ActorServer, warrenActors } from '../actor-server.js';
import { figureBar, ratioBar } from '../bars.js';
import { temporaryFolder } from '../contestants.js';
import type { Measurement, Sample } from '../measurement.js';
import { count, loadTable, milliseconds } from '../report/table.js';
import type { BenchContext, Scenario } from '../scenario.js';
import { summarize } from '../statistics.js';

const MILLION = 1_000_000;
const SECONDS = 8;
const CONNECTIONS = 100;
const ALONE = 'Warren gated, LevelDB';
const EXPORTING = 'the same load during an export';

const EXPORT_S = 20;
const P99_RATIO = 2;
const MORE_PEAK_MB = 100;

const CLI = fileURLToPath(new URL('../../src/cli/warren.js', import.meta.url));

function roundsOf({ quick }: BenchContext): number {
  return quick ? 1 : 3;
}

function actorsOf({ quick }: BenchContext): number {
  return quick ? MILLION / 10 : MILLION;
}

export const exporting: Scenario = {
  key: 'k',
  title: 'Export under load',

  plan(context) {
    return { steps: 3 + 2 * roundsOf(context), seconds: 35 + 2.5 * roundsOf(context) * SECONDS };
  },

  async run(context) {
    if (context.load.name !== 'wrk') throw new Error('this scenario needs wrk');
    const { scope } = context;
    const keys = actorsOf(context);
    const folder = await temporaryFolder(scope);
    const DATA_DIR = join(folder, 'data');
    context.step(`${count(keys)} actors: import`);
    const importS = await fill(context, folder, DATA_DIR, keys);
    const copy = join(folder, 'copy');
    await cp(DATA_DIR, copy, { recursive: true });
    // Each gets the same commands, so that their memory can be compared.
    const still = await ActorServer.start(scope, warrenActors(ALONE, { DATA_DIR }));
    const exported = await ActorServer.start(scope, warrenActors(EXPORTING, { DATA_DIR: copy }));
    const load = { connections: CONNECTIONS, keys, seconds: SECONDS };
    for (const server of [still, exported]) {
      context.step(`${server.contestant.name}: warm-up`);
      await server.timed(scope, load);
    }
    const [alone, beside]: [Sample[], Sample[]] = [[], []];
    const took: number[] = [];
    for (let round = 0; round < roundsOf(context); round++) {
      context.step(`${ALONE}: commands`);
      alone.push(await still.timed(scope, load));
      context.step(`${EXPORTING}: commands`);
      let over = false;
      const exports = exportUntil(exported.adminUrl, () => over, took);
      beside.push(await exported.timed(scope, load));
      over = true;
      await exports;
    }
    const [peakAlone, peakBeside] = [still.peakMemoryMb(), exported.peakMemoryMb()];
    const workload = `counter command, ${count(keys)} keys at random, ${CONNECTIONS} connections`;
    const measurements: Measurement[] = [
      { contestant: ALONE, workload, rounds: alone },
      { contestant: EXPORTING, workload, rounds: beside },
    ];
    const [baseline, exporting] = measurements;
    const seconds = summarize(took);
    return {
      key: 'k',
      title: this.title,
      tables: [
        loadTable(workload, measurements),
        {
          title: `${count(keys)} actors on LevelDB`,
          columns: ['what', 'measured'],
          rows: [
            ['import, s', importS.toFixed(1)],
            [
              'export under load, s',
              `${seconds.median.toFixed(1)} (${seconds.min.toFixed(1)}–${seconds.max.toFixed(1)})`,
            ],
            ['peak without, MiB', milliseconds(peakAlone)],
            ['peak with, MiB', milliseconds(peakBeside)],
          ],
        },
      ],
      bars: [
        figureBar(`export of ${count(keys)} actors under load`, 'at most', EXPORT_S, seconds.max, 's'),
        ...ratioBar(
          'p99 of commands during an export, of without',
          'at most',
          P99_RATIO,
          'p99',
          exporting,
          baseline,
        ),
        figureBar('peak memory of an export', 'at most', MORE_PEAK_MB, peakBeside - peakAlone, 'MiB'),
      ],
      measurements,
      notes: [],
    };
  },
};

/** @returns seconds of the import. */
async function fill(
  { scope }: BenchContext,
  folder: string,
  DATA_DIR: string,
  keys: number,
): Promise<number> {
  const file = join(folder, 'export.jsonl');
  await pipeline(linesOf(keys), createWriteStream(file));
  const since = performance.now();
  const child = await ChildHandle.spawn({
    command: process.execPath,
    args: [CLI, 'import', file],
    env: { DATA_DIR, ADMIN_HOST_PORT: '' },
  });
  scope.teardown(() => child.end());
  if ((await child.exited).code !== 0) throw new Error(child.output);
  return (performance.now() - since) / 1_000;
}

function* linesOf(keys: number): Iterable<string> {
  yield '{"warren":"export","format":1,"store":"bench","commit":"0.1.1","clock":0,"served":0}\n';
  for (let key = 0; key < keys; key++) {
    yield `{"actor":"counter","key":"k${key}","commit":"0.1.1","version":1,"state":{"n":${key}}}\n`;
  }
  yield `{"warren":"end","lines":${keys}}\n`;
}

/** One export after the other. The last one may end after the load. @param took gets the seconds of each. */
async function exportUntil(url: string, isOver: () => boolean, took: number[]): Promise<void> {
  while (!isOver()) {
    const since = performance.now();
    const last = await readToEnd(`${url}/export`);
    if (!last.includes('{"warren":"end"')) throw new Error('an export was broken off');
    took.push((performance.now() - since) / 1_000);
  }
}

/** @returns what came last. */
function readToEnd(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let last: Buffer = Buffer.alloc(0);
    get(url, (response) => {
      response.on('data', (piece: Buffer) => {
        last = piece;
      });
      response.once('end', () => resolve(last.toString()));
      response.once('error', reject);
    }).once('error', reject);
  });
}
