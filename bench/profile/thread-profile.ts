/**
 * A .cpuprofile of one thread, as V8 writes it, summed up by step. A sample counts for the time since the one before, in
 * the function on top of the stack; calls into native code without a frame of their own count for their caller.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Thread = 'main' | 'owner' | 'format';

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  /** As all times here: microseconds of the monotonic clock, which is the same in every process. */
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface Window {
  readonly from: number;
  readonly to: number;
}

/** Tried in order, against the URL of the script and the name of the function; undefined is rest and counts for nothing. */
const STEPS: readonly (readonly [RegExp, string | undefined])[] = [
  [/ \(idle\)$|atomicsWaitLoop/, undefined],
  [/garbage collector/, 'garbage collection'],
  [
    /src\/runtime\/(link|front\/owner-threads)|postMessage|messageport|worker\/io|event_target/,
    'messages between threads',
  ],
  [/src\/http\/(.*response|answers|reply-lines|problem)/, 'reply: head, body, write to the socket'],
  [/src\/http\//, 'request: route, query, id'],
  [/src\/runtime\/(front\/(owner-handle|request-queue)|drain-rate)/, 'queue: add, settle'],
  [/wasm|fibonacci\/.*kernel/, 'digits: add'],
  [/fibonacci\/(?!behavior)|workers\/format/, 'digits: find'],
  [/src\/runtime\/|fibonacci\/behavior|workers\/owner/, 'turns and gate'],
  [/src\/store|level|redis|msgpack/, 'store'],
  [/src\/(meter|admin)|prom-client/, 'metering'],
];

/** Microseconds within the window, by thread and step. */
export function profilesIn(folder: string, window: Window): Map<Thread, Map<string, number>> {
  const threads = new Map<Thread, Map<string, number>>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))) {
    const profile: CpuProfile = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    const thread = threadOf(profile);
    const steps = threads.get(thread) ?? new Map<string, number>();
    addSteps(profile, window, steps);
    threads.set(thread, steps);
  }
  return threads;
}

function threadOf({ nodes }: CpuProfile): Thread {
  const runs = (entry: string) => nodes.some(({ callFrame }) => callFrame.url.endsWith(entry));
  if (runs('workers/owner.js')) return 'owner';
  return runs('workers/format.js') ? 'format' : 'main';
}

function addSteps(profile: CpuProfile, { from, to }: Window, steps: Map<string, number>): void {
  const stepOfNode = new Map(
    profile.nodes.map(({ id, callFrame }) => [id, stepOf(`${callFrame.url} ${callFrame.functionName}`)]),
  );
  let at = profile.startTime;
  for (const [sample, node] of profile.samples.entries()) {
    const delta = profile.timeDeltas[sample] ?? 0;
    at += delta;
    const step = stepOfNode.get(node);
    if (at < from || at > to || step === undefined) continue;
    steps.set(step, (steps.get(step) ?? 0) + delta);
  }
}

function stepOf(frame: string): string | undefined {
  const known = STEPS.find(([pattern]) => pattern.test(frame));
  return known ? known[1] : 'other JavaScript and Node';
}
