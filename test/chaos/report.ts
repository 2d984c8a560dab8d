/** A chaos run as text: what was done to the server, what its clients saw, and the verdict. */
import { recoveryTimes } from './recovery.js';
import type { ChaosReport } from './run.js';

export function passed({ verdict, failures }: ChaosReport): boolean {
  return verdict?.ok === true && failures.length === 0;
}

export function tell(report: ChaosReport): string {
  const { store, actor, seed, seconds, nodes, shards, redis } = report;
  const where = nodes > 0 ? `${nodes} nodes with ${shards} shards on ${redis} Redis` : store;
  return [
    `chaos: seed ${seed}, ${seconds} s of the ${actor} on ${where}`,
    '',
    ...timelineOf(report),
    '',
    ...figuresOf(report),
    '',
    ...verdictOf(report),
  ].join('\n');
}

function timelineOf({ timeline, beganAt }: ChaosReport): string[] {
  const seconds = (instant: number) => ((instant - beganAt) / 1_000).toFixed(3).padStart(8);
  return [
    ' from s     to s  fault',
    ...timeline.map(
      ({ kind, startedAt, mendedAt, note, backMs }) =>
        `${seconds(startedAt)} ${seconds(mendedAt)}  ${kind} ${note}${backMs === undefined ? '' : `; all answered after ${Math.round(backMs)} ms`}`,
    ),
  ];
}

function figuresOf({ history, timeline, verdict }: ChaosReport): string[] {
  const { operations, answers } = history;
  const unknowns = operations.filter(({ outcome }) => outcome === 'unknown').length;
  const violation = verdict && !verdict.ok ? verdict.violation.kind : undefined;
  const back = timeline.flatMap(({ backMs }) => backMs ?? []).sort((a, b) => a - b);
  const recoveries = [...recoveryTimes(operations, timeline)].sort(([a], [b]) => a.localeCompare(b));
  return [
    `requests ${operations.length}, faults ${timeline.length}, unknowns ${unknowns}, ` +
      `repeats ${violation === 'repeat' ? 'found' : 0}, ` +
      (verdict?.ok
        ? `gaps ${verdict.stats.gaps} (each explained), numbers given out ${verdict.stats.highestIndex}`
        : ''),
    `answers: ${[...answers]
      .sort(([, a], [, b]) => b - a)
      .map(([answer, count]) => `${answer} ${count}`)
      .join(', ')}`,
    ...(back.length > 0
      ? [
          `from a fault until every actor had answered again, ms: ${back.map((ms) => Math.round(ms)).join(', ')}`,
        ]
      : []),
    '',
    'fault                       times   silence after it, ms: median      max',
    ...recoveries.map(
      ([kind, { times, medianMs, maxMs }]) =>
        `${kind.padEnd(27)} ${String(times).padStart(5)} ${medianMs.toFixed(1).padStart(30)} ${maxMs.toFixed(1).padStart(8)}`,
    ),
  ];
}

function verdictOf(report: ChaosReport): string[] {
  const { verdict, failures, store, actor, seed, seconds, nodes, shards, only } = report;
  const several = nodes > 0 ? ` --nodes ${nodes} --shards ${shards}${only && ` --only ${only}`}` : '';
  if (passed(report)) {
    const once = actor === 'calls' ? ', every call exactly once, and none unknown' : '';
    return [`verdict: linearizable, nothing lost, nothing repeated${once}`];
  }
  const lines = failures.map((failure) => `failure: ${failure}`);
  if (verdict && !verdict.ok) {
    lines.push(
      `verdict: VIOLATION, ${verdict.violation.kind}: ${verdict.violation.message}`,
      ...verdict.violation.operations.map((operation) => `  ${JSON.stringify(operation)}`),
    );
  }
  return [
    ...lines,
    `to repeat: npm run chaos -- --seconds ${seconds} --seed ${seed} --store ${store} --actor ${actor}${several}`,
  ];
}
