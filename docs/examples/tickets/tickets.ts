/** Seats of an event, one actor per event: each seat is sold once, in order, and never more than there are. */
import { actor, refuse } from 'warren';

const SEATS = 100;

export default actor({
  name: 'tickets',
  initial: { next: 1, left: SEATS },
  commands: {
    take({ next, left }, { seats }: { seats: number }) {
      if (!Number.isInteger(seats) || seats < 1) return refuse('bad-seats', { seats }, 422);
      if (seats > left) return refuse('sold-out', { left });
      return { state: { next: next + seats, left: left - seats }, reply: { from: next, seats } };
    },
  },
  queries: {
    left: ({ left }) => ({ left }),
  },
});
