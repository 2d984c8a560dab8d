/**
 * Who takes part, and how each is started. Everyone listens on loopback, begins at the index that is asked for, and
 * sends the same headers. Warren runs as it is shipped; each of its kinds differs in store and durability only.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RedisProcess } from '../test/support/redis-process.js';
import type { ForeignPeer } from './arguments.js';
import type { Teardowns } from './teardowns.js';

export interface Contestant {
  /** Unique, and short enough for a table. */
  readonly name: string;
  /** `ceiling`: right headers and body sizes, invented digits. `foreign`: exact, from an index that it chooses. */
  readonly kind: 'ceiling' | 'warren' | 'peer' | 'foreign';
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where it listens, when it does not say so itself. */
  readonly port?: number;
  /** Made before each start of the server, and gone with it. */
  readonly folderVariable?: string;
}

export const CEILING = peer('ceiling (uWS, constant body)', 'ceiling', 'ceiling');
export const UWS_BIGINT = peer('uWS + BigInt', 'uws-bigint');
export const UWS_WORKER = peer('uWS + worker, one message each', 'uws-worker');
export const NODE_HTTP = peer('node:http + BigInt', 'node-http');
export const FASTIFY = peer('fastify + BigInt', 'fastify');
export const EXPRESS = peer('express + BigInt', 'express');

export const EXACT_PEERS: readonly Contestant[] = [UWS_BIGINT, UWS_WORKER, NODE_HTTP, FASTIFY, EXPRESS];

/** All of them, or what two minutes allow. */
export function exactPeers(quick: boolean): readonly Contestant[] {
  return quick ? [UWS_BIGINT, UWS_WORKER, NODE_HTTP] : EXACT_PEERS;
}

const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url));

export type Durability = 'async' | 'gated';

export function warrenInMemory(durability: Durability): Contestant {
  return warren(`Warren ${durability}, memory`, { STORE: 'memory', DURABILITY: durability });
}

export function warrenOnLevel(durability: Durability): Contestant {
  const contestant = warren(`Warren ${durability}, LevelDB`, { STORE: 'level', DURABILITY: durability });
  return { ...contestant, folderVariable: 'DATA_DIR' };
}

/** @param label tells this Redis from others. */
export function warrenOnRedis(durability: Durability, redis: RedisProcess, label = 'Redis'): Contestant {
  return warren(`Warren ${durability}, ${label}`, {
    STORE: 'redis',
    REDIS_URL: redis.url,
    REDIS_PREFIX: 'bench',
    DURABILITY: durability,
  });
}

export function foreignPeer({ name, command, port }: ForeignPeer): Contestant {
  const address = { HOST: '127.0.0.1', PORT: `${port}`, SERVING_HOST_PORT: `127.0.0.1:${port}` };
  const inherited = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  const env = { ...Object.fromEntries(inherited), ...address };
  return { name, kind: 'foreign', command: '/bin/sh', args: ['-c', `exec env ${command}`], env, port };
}

let starts = 0;

/** Adds what only a start can tell. */
export async function prepare(scope: Teardowns, { env, folderVariable }: Contestant, initialIndex: number) {
  const folder = folderVariable ? await temporaryFolder(scope) : undefined;
  const { REDIS_PREFIX: prefix } = env;
  starts += 1;
  return {
    ...env,
    // Of its own for each start, so that no two servers are instances of one sequence and each begins where it is told to.
    ...(prefix ? { REDIS_PREFIX: `${prefix}:${starts}` } : {}),
    INITIAL_INDEX: `${initialIndex}`,
    ...(folderVariable && folder ? { [folderVariable]: folder } : {}),
  };
}

export async function temporaryFolder(scope: Teardowns): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'warren-bench-'));
  scope.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function warren(name: string, env: Record<string, string>): Contestant {
  return {
    name,
    kind: 'warren',
    command: process.execPath,
    args: ['--enable-source-maps', MAIN],
    env: {
      NODE_ENV: 'production',
      SERVING_HOST_PORT: '127.0.0.1:0',
      // Several run at a time, and one fixed port would fit one of them only.
      ADMIN_HOST_PORT: '127.0.0.1:0',
      ...env,
    },
  };
}

function peer(name: string, file: string, kind: 'ceiling' | 'peer' = 'peer'): Contestant {
  const entry = fileURLToPath(new URL(`./peers/${file}.js`, import.meta.url));
  return { name, kind, command: process.execPath, args: [entry], env: { NODE_ENV: 'production' } };
}
