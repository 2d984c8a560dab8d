/** The error for a value that a state, a reply or an input must not hold. Its message names the place of the value. */
import { types } from 'node:util';

/** The message is a sentence such as `state.items[3].when is a Date`. */
export class ValueError extends Error {
  override readonly name = 'ValueError';
}

/** Longer paths are shortened. */
const SHOWN_STEPS = 12;

/** The path to a member, as in code. */
export function pathText(steps: readonly (string | number)[]): string {
  const shown = steps.slice(0, SHOWN_STEPS).map(step).join('');
  return steps.length > SHOWN_STEPS ? `${shown}…` : shown;
}

function step(member: string | number): string {
  if (typeof member === 'number') return `[${member}]`;
  return /^[A-Za-z_$][\w$]*$/.test(member) ? `.${member}` : `[${JSON.stringify(member)}]`;
}

/** Says what an invalid value is, as the end of a sentence: `is a Date`. */
export function describe(value: unknown): string {
  if (value === undefined) return 'is undefined';
  if (value === null) return 'is null';
  if (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol')
    return `is a ${typeof value}`;
  if (typeof value === 'function') return 'is a function';
  if (typeof value === 'symbol') return 'is a symbol';
  if (types.isPromise(value)) {
    // An unhandled rejection would end the process.
    value.catch(() => {});
    return 'is a Promise';
  }
  const kind: unknown = (Object.getPrototypeOf(value as object) as object | null)?.constructor?.name;
  if (typeof kind !== 'string' || kind === '' || kind === 'Object')
    return 'is an object with a prototype of its own';
  return `is ${/^[AEIOU]/.test(kind) ? 'an' : 'a'} ${kind}`;
}
