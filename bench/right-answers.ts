/**
 * Whether a server gives right answers, asked before it is timed: a fast wrong answer is no figure. An exact server
 * must walk on as the sequence does; the ceiling must send what Warren would, but for the digits. Both must answer
 * with the headers that Warren sends, so that all pay for the same bytes.
 */
import { fibonacciPair } from '../src/residents/fibonacci/fibonacci.js';
import type { Contestant } from './contestants.js';
import { digitsAt } from './digits.js';

const ANSWER = /^\s*\{\s*"(?<member>current|next|previous)"\s*:\s*(?<digits>\d+)\s*\}\s*$/;
const ANSWER_MS = 30_000;

interface Seen {
  readonly digits: string;
  readonly headers: Headers;
}

/** Asks `/current`, `/next`, `/current`, `/previous`. @returns the index at which the server then stands, if it says so. */
export async function checkAnswers(
  contestant: Contestant,
  port: number,
  initialIndex: number | undefined,
): Promise<number | undefined> {
  const ask = (member: string) => askFor(contestant.name, port, member);
  const before = await ask('current');
  const next = await ask('next');
  const after = await ask('current');
  const previous = await ask('previous');
  const wrong = (what: string) => new Error(`${contestant.name} answers wrongly: ${what}`);
  if (contestant.kind === 'foreign') {
    if (after.digits !== next.digits) throw wrong('/current is not what /next has shown');
    if (previous.digits !== before.digits) throw wrong('/previous is not where /next began');
    if (!isFibonacciStep(BigInt(before.digits), BigInt(next.digits))) {
      throw wrong('/next is not the next Fibonacci number');
    }
    return undefined;
  }
  const index = indexIn(before);
  if (initialIndex !== undefined && index !== initialIndex) {
    throw wrong(`it stands at ${index}, not at ${initialIndex}`);
  }
  const [value, successor] = contestant.kind === 'ceiling' ? [] : fibonacciPair(index);
  for (const [seen, place, expected] of [
    [before, index, value],
    [next, index + 1, successor],
    [after, index + 1, successor],
    [previous, index, value],
  ] as const) {
    if (indexIn(seen) !== place) throw wrong(`the index is ${indexIn(seen)}, not ${place}`);
    if (seen.digits.length !== digitsAt(place)) throw wrong(`F(${place}) has ${digitsAt(place)} digits`);
    if (expected !== undefined && BigInt(seen.digits) !== expected) throw wrong(`this is not F(${place})`);
    if (seen.headers.get('content-type')?.split(';')[0] !== 'application/json') throw wrong('Content-Type');
    if (seen.headers.get('cache-control') !== 'no-store') throw wrong('Cache-Control');
  }
  return index + 1;
}

async function askFor(name: string, port: number, member: string): Promise<Seen> {
  const response = await fetch(`http://127.0.0.1:${port}/${member}`, {
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  const body = await response.text();
  const answer = ANSWER.exec(body)?.groups;
  if (response.status !== 200 || answer?.['member'] !== member) {
    throw new Error(`${name} answers /${member} with ${response.status} ${body.slice(0, 200)}`);
  }
  return { digits: answer['digits'] as string, headers: response.headers };
}

function indexIn({ headers }: Seen): number {
  return Number(headers.get('sequence-index') ?? Number.NaN);
}

/** Consecutive Fibonacci numbers are exactly the pairs with b² − ab − a² = ±1; before F(0) there is none. */
function isFibonacciStep(a: bigint, b: bigint): boolean {
  const norm = b * b - a * b - a * a;
  return norm === 1n || norm === -1n;
}
