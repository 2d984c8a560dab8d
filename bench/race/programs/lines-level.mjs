/** What a sceptic writes in an hour on LevelDB: while one synced batch is written, the next one gathers. No limits, no faults, no fail-over. */
import { ClassicLevel } from 'classic-level';
import { answer, serve } from './uws.mjs';

const level = new ClassicLevel(process.env.DATA_DIR);
await level.open();
const counters = new Map();
for await (const [key, value] of level.iterator()) counters.set(key, Number(value));
let [waiting, changed, busy, due] = [[], new Set(), false, false];

async function flush() {
  due = false;
  if (busy || waiting.length === 0) return;
  busy = true;
  const [replies, keys] = [waiting, changed];
  [waiting, changed] = [[], new Set()];
  const batch = level.batch();
  for (const key of keys) batch.put(key, `${counters.get(key)}`);
  await batch.write({ sync: true });
  for (const [res, n] of replies) answer(res, n);
  busy = false;
  flush();
}

serve((res, key, by) => {
  const n = (counters.get(key) ?? 0) + by;
  counters.set(key, n);
  changed.add(key);
  waiting.push([res, n]);
  if (!due) due = setImmediate(flush);
});
