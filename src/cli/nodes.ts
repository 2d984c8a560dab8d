/** `warren nodes`: prints the nodes that share a Redis. A running node is asked for what it sees; without one the registry in Redis is read. */
import { parseArgs } from 'node:util';
import { type Config, readConfig } from '../config/config.js';
import { WarrenError } from '../errors.js';
import { type NodeReport, type NodesReport, nodeReports } from '../nodes/nodes-report.js';
import { Placement } from '../nodes/placement.js';
import { shardsOf } from '../store/all-shards.js';
import { openStore } from '../store/open-actor-store.js';
import { RunningServer } from './running-server.js';
import { CommandFailed } from './usage.js';

export const NODES_USAGE = `usage: warren nodes [--json]

Prints the living nodes on the Redis that the environment names: their state, the address at which other nodes reach them, their version, the number of
shards that each should own, and their actors with the version of their states. With --json each line is JSON. When a server runs, the command asks it
(ADMIN_HOST_PORT and ADMIN_TOKEN, as for the server), and also prints which shards that node owns; otherwise it reads the list in Redis.`;

const HEAD = ['NODE', 'STATE', 'ADDRESS', 'VERSION', 'SHARDS', 'ACTORS'];

export async function listNodes(
  args: readonly string[],
  environment: Record<string, string | undefined>,
): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { json: { type: 'boolean', default: false } } });
  const config = readConfig(environment);
  const server = await RunningServer.find(config);
  const report = server ? await askedOf(server) : undefined;
  const nodes = report?.nodes ?? (await registeredIn(config));
  if (values.json) {
    for (const node of nodes) console.log(JSON.stringify(node));
    if (report) console.log(JSON.stringify({ ...report, nodes: undefined }));
    return 0;
  }
  console.log(tableOf([HEAD, ...nodes.map(rowOf)]));
  if (report) console.log(`\n${sentenceOf(report)}`);
  else if (nodes.length === 0) console.log('\nNo node is registered in Redis.');
  return 0;
}

async function askedOf(server: RunningServer): Promise<NodesReport> {
  const { status, body } = await server.get('/nodes', {}, [404]);
  if (status === 404) throw new CommandFailed('The running server is not one of several nodes.');
  return body as unknown as NodesReport;
}

async function registeredIn({ store: place, shards, commitTimeoutMs }: Config): Promise<NodeReport[]> {
  if (place.kind !== 'redis')
    throw new CommandFailed('Several nodes share a Redis, and the environment names none.');
  const store = await openStore(place, { timeoutMs: commitTimeoutMs });
  try {
    const nodes = (await store.registry?.list()) ?? [];
    const placement = new Placement(nodes);
    const { count } = await shardsOf(store, shards);
    return nodeReports(nodes, count, (shard) => placement.ownerOf(shard)?.instance);
  } catch (error) {
    if (error instanceof WarrenError) throw new CommandFailed(error.message);
    throw error;
  } finally {
    await store.close();
  }
}

function rowOf({ node, state, address, version, placed, actors }: NodeReport): string[] {
  const names = Object.entries(actors).map(([name, version]) => `${name}:${version}`);
  return [node, state, address, version, String(placed), names.join(' ')];
}

function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] as number))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function sentenceOf({ node, owned, shards, coming, going }: NodesReport): string {
  return `${node} owns ${owned} of ${shards} shards; ${coming} are to come, ${going} are to go.`;
}
