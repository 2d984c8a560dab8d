/** Looks at the sequence of a running server from outside, without moving it. */
import { get } from './http-client.js';
import { pause } from './pause.js';

/** Against tests that hang. */
const WITHIN_MS = 60_000;

/** @throws RangeError for any other answer than an index. */
export async function currentIndex(url: string): Promise<number> {
  const { status, headers, body } = await get(url, '/current');
  const index = headers['sequence-index'];
  if (status !== 200 || typeof index !== 'string')
    throw new RangeError(`no index: ${status} ${body.slice(0, 200)}`);
  return Number(index);
}

/** Until the sequence stands at `index` or beyond. Refusals and broken connections only mean not yet. */
export async function waitForIndex(url: string, index: number, withinMs = WITHIN_MS): Promise<number> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    const seen = await currentIndex(url).catch(() => -1);
    if (seen >= index) return seen;
    if (performance.now() > giveUpAt)
      throw new Error(`the sequence did not come to ${index} within ${withinMs} ms`);
    await pause();
  }
}
