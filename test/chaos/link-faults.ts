/** What can happen to the connections that lead through a proxy. */
import type { FaultProxy } from '../support/fault-proxy.js';
import { type Breakable, rest } from './chaos-world.js';

export function linkFaults(name: string, link: FaultProxy): Breakable['faults'] {
  return {
    [`${name}-cut`]: [
      2,
      async () => {
        const { connections } = link;
        link.cutAll();
        return `${connections} connections`;
      },
    ],
    [`${name}-cut-in-reply`]: [
      2,
      async (random) => {
        const bytes = random.between(0, 400);
        // Happens with the next answers; nobody waits, since there may be none for a while.
        void link.cutAfterBytes(bytes);
        return `after ${bytes} bytes`;
      },
    ],
    [`${name}-slow`]: [
      1,
      async (random) => {
        const direction = random.weighted({ requests: 1, answers: 1 });
        const byMs = random.between(10, 500);
        link.delay(byMs, direction);
        const forMs = await rest(random, 100, 1_000);
        link.delay(0, direction);
        return `${direction} by ${byMs} ms, ${forMs}`;
      },
    ],
    [`${name}-swallowing`]: [
      1,
      async (random) => {
        link.blackhole(true);
        const forMs = await rest(random, 50, 1_200);
        link.blackhole(false);
        return forMs;
      },
    ],
  };
}
