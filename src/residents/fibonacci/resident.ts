/** Registers the Fibonacci sequence with the runtime. It replaces a Go service and keeps that service's HTTP contract byte for byte. */
import type { Resident } from '../resident.js';
import type { FibonacciSettings } from './behavior.js';
import { ACTOR, MESSAGES, TARGETS } from './messages.js';

export const fibonacci: Resident = {
  name: ACTOR,
  messages: MESSAGES,
  targets: TARGETS,
  settings: ({ initialIndex, maxIndex }): FibonacciSettings => ({ initialIndex, maxIndex }),
  front: async (context) => {
    const { FibonacciFront } = await import('./front.js');
    return new FibonacciFront(context);
  },
  behavior: async (settings, store) => {
    const { FibonacciBehavior } = await import('./behavior.js');
    return new FibonacciBehavior(settings as FibonacciSettings, () => store.predecessor());
  },
};
