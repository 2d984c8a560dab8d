/** A token bucket per caller: ten requests at once, five a second in the long run. */
import { actor, refuse } from 'warren';

const CAPACITY = 10;
const PER_SECOND = 5;

interface Bucket {
  readonly tokens: number;
  /** When there were so many tokens, in ms. */
  readonly at: number;
}

/** `context.now` never goes back within an actor, so a bucket only fills. */
function filled({ tokens, at }: Bucket, now: number): number {
  return Math.min(CAPACITY, tokens + ((now - at) * PER_SECOND) / 1000);
}

export default actor({
  name: 'rate-limit',
  initial: { tokens: CAPACITY, at: 0 },
  commands: {
    take(bucket, _input: undefined, { now }) {
      const tokens = filled(bucket, now);
      if (tokens < 1) {
        const retryAfterMs = Math.ceil(((1 - tokens) * 1000) / PER_SECOND);
        return refuse('slow-down', { retryAfterMs }, 429);
      }
      return { state: { tokens: tokens - 1, at: now }, reply: { remaining: Math.floor(tokens - 1) } };
    },
  },
  queries: {
    remaining: (bucket, _input: undefined, { now }) => ({ remaining: Math.floor(filled(bucket, now)) }),
  },
});
