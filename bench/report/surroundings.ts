/** On what a run was made: a figure without its machine and its versions is no figure. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { LoadTool } from '../load/closed-loop.js';

/** This file is compiled to dist/bench/report/. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PACKAGES = [
  'uWebSockets.js',
  'classic-level',
  'ioredis',
  'piscina',
  'fastify',
  'express',
  'autocannon',
];

export interface Surroundings {
  readonly at: string;
  readonly command: string;
  /** With a plus sign when the work tree differs from it. */
  readonly commit: string;
  readonly cpu: string;
  readonly cpus: number;
  readonly memoryMb: number;
  readonly kernel: string;
  readonly loadAverage: number;
  readonly versions: Readonly<Record<string, string>>;
  readonly load: string;
}

export function surroundings(load: LoadTool, argv: readonly string[]): Surroundings {
  return {
    at: new Date().toISOString(),
    command: ['npm run bench', ...(argv.length > 0 ? ['--', ...argv.map(quoted)] : [])].join(' '),
    commit: commit(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cpus: availableParallelism(),
    memoryMb: Math.round(totalmem() / 2 ** 20),
    kernel: release(),
    loadAverage: loadavg()[0] ?? Number.NaN,
    versions: {
      node: process.versions.node,
      v8: process.versions.v8,
      ...Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])),
      redis: firstMatch('redis-server', ['--version'], /v=(\S+)/),
    },
    load: load.version ? `${load.name} ${load.version}` : `${load.name} ${versionOf(load.name)}`,
  };
}

export function describe(facts: Surroundings): string {
  const { versions } = facts;
  return [
    `${facts.cpus} × ${facts.cpu}, ${facts.memoryMb} MiB, Linux ${facts.kernel}`,
    `Node ${versions['node']}, uWebSockets.js ${versions['uWebSockets.js']}, Redis ${versions['redis']}`,
    `load by ${facts.load}, commit ${facts.commit}, ${facts.at}`,
    `\`${facts.command}\``,
  ].join('\n');
}

function quoted(word: string): string {
  return /^[\w,./:=@-]+$/.test(word) ? word : `'${word}'`;
}

function commit(): string {
  const head = firstMatch('git', ['-C', ROOT, 'rev-parse', '--short', 'HEAD'], /(\S+)/);
  const changes = firstMatch('git', ['-C', ROOT, 'status', '--porcelain', '--untracked-files=no'], /(\S)/);
  return changes === 'unknown' ? head : `${head}+`;
}

function firstMatch(command: string, args: readonly string[], pattern: RegExp): string {
  try {
    const text = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return pattern.exec(text)?.[1] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}

function versionOf(name: string): string {
  try {
    return JSON.parse(readFileSync(`${ROOT}node_modules/${name}/package.json`, 'utf8')).version;
  } catch {
    return 'unknown';
  }
}
