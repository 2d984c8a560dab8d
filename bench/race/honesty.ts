/**
 * The honesty column: all processes of a contestant are killed at once (SIGKILL) while many connections add, and it is started again on
 * the same files. Every number that was answered must be behind the next one, and none may be answered twice. This proves nothing about a
 * loss of power: what the kernel has taken survives the death of a process. For that look at the column of syncs.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Teardowns } from '../teardowns.js';
import { CounterClient } from './counter-client.js';
import type { RaceContestant } from './race-contestants.js';
import { RaceServer } from './race-server.js';

const CONNECTIONS = 50;
/** Before each kill, and a little more or less, so that it meets different moments. */
const LOAD_MS = 1_200;

export interface Honesty {
  readonly kills: number;
  readonly answered: number;
  /** Numbers that were answered before a kill and were not there after it, over all kills. */
  readonly setBack: number;
  /** Numbers that were answered more than once. */
  readonly twice: number;
}

/** @param kills how often; the contestant starts on new files. */
export async function honestyOf(
  scope: Teardowns,
  contestant: RaceContestant,
  kills: number,
): Promise<Honesty> {
  const times = new Map<number, number>();
  let highest = 0;
  const answered = (n: number) => {
    times.set(n, (times.get(n) ?? 0) + 1);
    highest = Math.max(highest, n);
  };
  const files = await contestant.prepare(scope);
  let setBack = 0;
  let server = await RaceServer.start(scope, contestant, files);
  answered(server.first);
  for (let kill = 0; kill < kills; kill++) {
    const client = new CounterClient(server.port, CONNECTIONS, answered);
    await delay(LOAD_MS + 137 * kill);
    await server.kill();
    await client.ended();
    const before = highest;
    server = await RaceServer.start(scope, contestant, files);
    setBack += Math.max(0, before + 1 - server.first);
    answered(server.first);
  }
  await server.kill();
  const twice = [...times.values()].filter((count) => count > 1).length;
  return { kills, answered: times.size, setBack, twice };
}
