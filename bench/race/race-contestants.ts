/**
 * Who takes part in the race, how each is started, and what it may need. A contestant is one process or several; each keeps all its files in
 * one folder and comes back on the same files and ports, so that it can be killed and started again.
 */
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { ChildHandle } from '../../test/support/child-handle.js';
import { freePort } from '../../test/support/free-port.js';
import { LogTail } from '../../test/support/log-tail.js';
import { temporaryFolder } from '../contestants.js';
import { hasRedis } from '../has-redis.js';
import type { Teardowns } from '../teardowns.js';
import { postgresTools } from './postgres-tools.js';

/** What the table says about a contestant, and which bars it takes part in. */
export type Kind = 'bare' | 'program' | 'warren' | 'database' | 'runtime';

export interface RaceFiles {
  readonly folder: string;
  readonly ports: readonly number[];
}

export interface StartedProcesses {
  /** Where it answers over HTTP. */
  readonly port: number;
  readonly children: readonly ChildHandle[];
}

export interface RaceContestant {
  /** For the command line. */
  readonly id: string;
  readonly name: string;
  readonly kind: Kind;
  /** Whether it asks for the disk before it answers, by its documentation. The race counts the syncs and says what it has seen. */
  readonly durable: boolean;
  /** Fast enough for 1,000 connections to say something. */
  readonly fast?: boolean;
  /** Why it cannot take part on this machine. */
  readonly missing?: string | undefined;
  readonly prepare: (scope: Teardowns) => Promise<RaceFiles>;
  readonly start: (scope: Teardowns, files: RaceFiles) => Promise<StartedProcesses>;
}

/** The source folder; this file is compiled to dist/bench/race/. */
export const RACE_FOLDER = fileURLToPath(new URL('../../../bench/race/', import.meta.url));
const BARE = fileURLToPath(new URL('../peers/bare-counter.js', import.meta.url));
const WARREN = fileURLToPath(new URL('../../src/cli/warren.js', import.meta.url));
const COUNTER = fileURLToPath(new URL('../actors/counter.js', import.meta.url));
const LISTENING_MS = 60_000;

export function raceContestants(): RaceContestant[] {
  const [node24, workerd, restate] = [
    installed(`node-linux-${process.arch}/bin/node`),
    installed(`@cloudflare/workerd-linux-${process.arch === 'x64' ? '64' : process.arch}/bin/workerd`),
    installed(`@restatedev/restate-server-linux-${process.arch}/bin/restate-server`),
  ];
  const notInstalled = 'its packages are not installed (`npm ci --ignore-scripts --prefix bench/race`)';
  const noRedis = hasRedis() ? undefined : 'there is no redis-server on the PATH';
  const postgres = postgresTools();
  return [
    {
      ...inFolder('bare', 'bare uWebSockets.js, stores nothing', 'bare'),
      durable: false,
      fast: true,
      start: (scope) => program(scope, process.execPath, BARE, {}),
    },
    {
      ...inFolder('lines-level', '30 lines + LevelDB', 'program'),
      fast: true,
      start: (scope, { folder }) =>
        program(scope, process.execPath, own('lines-level'), { DATA_DIR: folder }),
    },
    {
      ...inFolder('lines-redis', '40 lines + one INCRBY for all', 'program', 1),
      fast: true,
      missing: noRedis,
      start: (scope, files) => onRedis(scope, files, own('lines-redis'), {}),
    },
    {
      ...inFolder('warren-level', 'Warren on LevelDB', 'warren'),
      fast: true,
      start: (scope, { folder }) => warren(scope, { STORE: 'level', DATA_DIR: folder }),
    },
    {
      ...inFolder('warren-redis', 'Warren on Redis', 'warren', 1),
      fast: true,
      missing: noRedis,
      start: async (scope, files) => {
        const redis = await startRedis(scope, files);
        const url = `redis://127.0.0.1:${files.ports[0]}`;
        return withOthers(await warren(scope, { STORE: 'redis', REDIS_URL: url }), redis);
      },
    },
    {
      ...inFolder('redis', 'Redis, one INCRBY for each', 'database', 1),
      missing: noRedis,
      start: (scope, files) => onRedis(scope, files, own('redis-incr'), {}),
    },
    {
      ...inFolder('postgres', 'PostgreSQL, one statement for each', 'database'),
      missing: postgres ? undefined : 'there is no PostgreSQL (`apt-get install postgresql`)',
      prepare: async (scope) => {
        const files = await inFolder('', '', 'database').prepare(scope);
        await postgres?.createCluster(files.folder);
        return files;
      },
      start: async (scope, { folder }) => {
        const server = await ChildHandle.spawn(
          postgres?.serverCommand(folder) ?? { command: 'false', args: [], env: {} },
        );
        scope.teardown(() => server.end());
        const env = { PGHOST: folder, PGUSER: 'race' };
        return withOthers(await program(scope, process.execPath, own('postgres'), env), server);
      },
    },
    {
      ...inFolder('workerd', 'workerd, a Durable Object', 'runtime', 1),
      missing: workerd ? undefined : notInstalled,
      start: async (scope, { folder, ports: [port = 0] }) => {
        const args = [
          'serve',
          `${RACE_FOLDER}programs/workerd.capnp`,
          `-shttp=127.0.0.1:${port}`,
          `-ddisk=${folder}`,
        ];
        return { port, children: [await spawned(scope, workerd, args, {}, folder)] };
      },
    },
    {
      ...inFolder('restate', 'Restate, a virtual object', 'runtime', 4),
      missing: restate && node24 ? undefined : notInstalled,
      start: async (scope, files) => {
        const handlers = await program(scope, node24, own('restate'), {
          PORT: `${files.ports[3]}`,
          RESTATE_LOGGING: 'ERROR',
        });
        const server = await startRestate(scope, restate, files, handlers.port);
        return { port: files.ports[0] ?? 0, children: [server, ...handlers.children] };
      },
    },
    {
      ...inFolder('rivetkit', 'rivetkit 2.0, answers before it saves', 'runtime'),
      durable: false,
      missing: node24 ? undefined : notInstalled,
      start: (scope, { folder }) => program(scope, node24, own('rivetkit'), { DATA_DIR: folder }),
    },
    {
      ...inFolder('rivetkit-saved', 'rivetkit 2.0, saves before it answers', 'runtime'),
      durable: false,
      missing: node24 ? undefined : notInstalled,
      start: (scope, { folder }) => program(scope, node24, own('rivetkit'), { DATA_DIR: folder, SAVE: '1' }),
    },
  ];
}

/** What most of them share: a folder, and so many ports. */
function inFolder(id: string, name: string, kind: Kind, ports = 0) {
  return {
    id,
    name,
    kind,
    durable: true,
    prepare: async (scope: Teardowns): Promise<RaceFiles> => ({
      folder: await temporaryFolder(scope),
      ports: await Promise.all(Array.from({ length: ports }, freePort)),
    }),
  };
}

function own(name: string): string {
  return `${RACE_FOLDER}programs/${name}.mjs`;
}

function installed(file: string): string {
  try {
    return createRequire(`${RACE_FOLDER}package.json`).resolve(file);
  } catch {
    return '';
  }
}

async function spawned(
  scope: Teardowns,
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd?: string,
): Promise<ChildHandle> {
  const child = await ChildHandle.spawn({ command, args, env, ...(cwd === undefined ? {} : { cwd }) });
  scope.teardown(() => child.end());
  return child;
}

/** A program that says where it listens. */
async function program(
  scope: Teardowns,
  node: string,
  entry: string,
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<StartedProcesses> {
  const child = await spawned(scope, node, [entry, ...args], { NODE_ENV: 'production', ...env });
  const { port } = await new LogTail(child).waitFor(({ msg }) => msg === 'listening', LISTENING_MS);
  return { port: Number(port), children: [child] };
}

function withOthers(started: StartedProcesses, ...others: readonly ChildHandle[]): StartedProcesses {
  return { ...started, children: [...started.children, ...others] };
}

function warren(scope: Teardowns, env: Readonly<Record<string, string>>): Promise<StartedProcesses> {
  const here = { SERVING_HOST_PORT: '127.0.0.1:0', ADMIN_HOST_PORT: '127.0.0.1:0', DURABILITY: 'gated' };
  return program(scope, process.execPath, WARREN, { ...here, ...env }, 'serve', COUNTER);
}

/** Its clients wait for it. */
async function startRedis(scope: Teardowns, { folder, ports }: RaceFiles): Promise<ChildHandle> {
  const args = ['--port', `${ports[0]}`, '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
  return spawned(
    scope,
    'redis-server',
    [...args, '--appendonly', 'yes', '--appendfsync', 'always'],
    {},
    folder,
  );
}

async function onRedis(
  scope: Teardowns,
  files: RaceFiles,
  entry: string,
  env: Readonly<Record<string, string>>,
): Promise<StartedProcesses> {
  const redis = await startRedis(scope, files);
  const started = await program(scope, process.execPath, entry, { REDIS_PORT: `${files.ports[0]}`, ...env });
  return withOthers(started, redis);
}

/** One node with its default settings. It is told where the handlers are, which it knows already after a restart. */
async function startRestate(
  scope: Teardowns,
  command: string,
  { folder, ports: [ingress, admin, fabric] }: RaceFiles,
  handlers: number,
): Promise<ChildHandle> {
  const env = {
    RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
    RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
    RESTATE_DISABLE_TELEMETRY: 'true',
    RESTATE_LOG_FILTER: 'error',
    DO_NOT_TRACK: '1',
  };
  const data = `${folder}/restate`;
  await mkdir(data, { recursive: true });
  const args = [
    '--listen-mode',
    'tcp',
    '--bind-ip',
    '127.0.0.1',
    '--bind-port',
    `${fabric}`,
    '--advertised-host',
    '127.0.0.1',
  ];
  const server = await spawned(
    scope,
    command,
    [...args, '--base-dir', data, '--node-name', 'race', '--no-logo'],
    env,
    folder,
  );
  const giveUpAt = performance.now() + LISTENING_MS;
  for (;;) {
    try {
      const { ok } = await fetch(`http://127.0.0.1:${admin}/deployments`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ uri: `http://127.0.0.1:${handlers}` }),
      });
      if (ok) return server;
    } catch {
      // It does not listen yet.
    }
    if (!server.running || performance.now() > giveUpAt)
      throw new Error(`Restate does not come up:\n${server.output}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
