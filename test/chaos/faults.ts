/**
 * The faults and their schedule. Each thing that can break has a loop of its own, with a random source of its own from
 * the run's seed, so faults of different things overlap, and the choices of one loop do not depend on the machine's
 * speed. A fault mends what it broke before it ends.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { monotonicMs } from '../support/history.js';
import { SeededRandom } from '../support/seeded-random.js';
import type { Breakable, ChaosWorld } from './chaos-world.js';

export interface FaultRecord {
  readonly kind: string;
  /** By the clock of the history. */
  readonly startedAt: number;
  readonly mendedAt: number;
  readonly note: string;
  /** From the fault until every actor had answered again, in milliseconds; undefined when that was not measured. */
  readonly backMs: number | undefined;
}

/** So often a fault waits until the world serves again. */
const MOSTLY = 0.8;

/** Lets faults happen until the time is over; resolves when the last one is mended. */
export async function unleash(world: ChaosWorld, seed: number, untilMs: number): Promise<FaultRecord[]> {
  const timeline: FaultRecord[] = [];
  const loops = world.breakables.map((breakable, number) =>
    breakRepeatedly(world, breakable, new SeededRandom(seed * 8 + number), untilMs, timeline),
  );
  await Promise.all(loops);
  return timeline.toSorted((a, b) => a.startedAt - b.startedAt);
}

async function breakRepeatedly(
  world: ChaosWorld,
  { faults, restMs }: Breakable,
  random: SeededRandom,
  untilMs: number,
  timeline: FaultRecord[],
): Promise<void> {
  const weights = Object.fromEntries(Object.entries(faults).map(([kind, [weight]]) => [kind, weight]));
  for (;;) {
    await delay(random.between(...restMs));
    // On a busy machine a run would see little but starts and takeovers that are cut off.
    if (random.next() < MOSTLY) await world.serves();
    // However slow the machine is, no run is without a fault.
    if (monotonicMs() >= untilMs && timeline.length > 0) return;
    const kind = random.weighted(weights);
    const fault = faults[kind]?.[1];
    if (!fault) throw new Error(`no fault ${kind}`);
    const startedAt = monotonicMs();
    const told = await fault(random);
    const { note, backMs } = typeof told === 'string' ? { note: told, backMs: undefined } : told;
    timeline.push({ kind, startedAt, mendedAt: monotonicMs(), note, backMs });
  }
}
