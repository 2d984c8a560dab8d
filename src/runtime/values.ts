/**
 * Checks every new state and reply in one walk over the value, which also makes it canonical, freezes it and measures it.
 *
 * A value may hold null, booleans, finite numbers, strings, bigints, arrays without holes and plain objects. After `seal` the value in memory
 * equals the value that a restart loads from the store, so an actor does not notice a restart. What JSON would change silently is
 * therefore changed here:
 *
 *   a member that is undefined          is left out
 *   -0                                  becomes 0
 *   an object without a prototype       becomes an ordinary one, with the same members
 *
 * Everything else that JSON would change or drop (dates, functions, NaN, getters, symbols, a hole in an array) is an error that names the place.
 * A value that needs no change is frozen in place, not copied. Runs on the owner thread.
 */
import { types } from 'node:util';
import { describe, pathText, ValueError } from './value-error.js';

export type Value =
  | null
  | boolean
  | number
  | string
  | bigint
  | readonly Value[]
  | { readonly [member: string]: Value };

/** A checked value in its canonical form, and its measures. */
export interface Checked {
  readonly value: Value;
  /** The value holds no bigint and nothing that looks like one in the store: its text is plain JSON. */
  readonly plain: boolean;
  /** Lower bound on the size of the text, in bytes. */
  readonly leastBytes: number;
  /** Upper bound on the size of the text, in bytes. */
  readonly mostBytes: number;
  /** Estimate of the memory that the value takes, in bytes. */
  readonly heapBytes: number;
  /** Bits of all bigints above 64 bits together, rounded up. */
  readonly bigintBits: number;
}

declare const frozen: unique symbol;

/** A checked value that is deeply frozen. Only `seal` makes one. */
export type Sealed = Checked & { readonly [frozen]: true };

/** The deepest nesting in states, replies and inputs. It also ends the walk through a cycle. */
export const MAX_DEPTH = 200;

/**
 * Checks, makes canonical and freezes a value.
 *
 * @param name of the value in error messages: `state`.
 * @param limitBytes the walk ends early when the text must be longer than this.
 * @throws ValueError
 */
export function seal(value: unknown, name: string, limitBytes = Number.POSITIVE_INFINITY): Sealed {
  return walk(value, name, limitBytes, true) as Sealed;
}

/** Makes the same checks for a value that is sent and not kept, such as a reply. Does not freeze it. */
export function check(value: unknown, name: string, limitBytes = Number.POSITIVE_INFINITY): Checked {
  return walk(value, name, limitBytes, false);
}

function walk(value: unknown, name: string, limitBytes: number, freeze: boolean): Checked {
  root = value;
  rootName = name;
  limit = limitBytes;
  freezing = freeze;
  plain = true;
  least = 0;
  most = 0;
  heap = 0;
  bits = 0;
  const canonical = canonicalOf(value, 0) as Value;
  root = undefined;
  return { value: canonical, plain, leastBytes: least, mostBytes: most, heapBytes: heap, bigintBits: bits };
}

/** The progress of the walk. A thread walks one value at a time, so module variables do, and no object is made per call. */
let root: unknown;
let rootName = '';
let limit = 0;
let freezing = false;
let plain = true;
let least = 0;
let most = 0;
let heap = 0;
let bits = 0;
/** Path from the root to the place of the walk. */
const trail: (string | number)[] = [];

/** The canonical form of a member: itself where nothing has to change. */
function canonicalOf(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'number':
      if (!Number.isFinite(value)) throw fault(depth, `is ${value}, which is no finite number`);
      // V8 keeps a small integer inside its member; any other number is a heap object.
      count(1, 25, (value | 0) === value ? 0 : 16);
      return value === 0 ? 0 : value;
    case 'string':
      count(value.length + 2, 6 * value.length + 2, heapOfText(value));
      return value;
    case 'boolean':
      count(4, 5, 0);
      return value;
    case 'bigint':
      countBigint(value);
      return value;
    case 'object':
      if (value === null) {
        count(4, 4, 0);
        return value;
      }
      if (depth >= MAX_DEPTH) throw tooDeep(depth);
      if (types.isProxy(value)) throw fault(depth, 'is a Proxy');
      return Array.isArray(value) ? canonicalArray(value, depth) : canonicalObject(value, depth);
    default:
      throw fault(depth, describe(value));
  }
}

function canonicalArray(array: unknown[], depth: number): unknown {
  if (Object.getPrototypeOf(array) !== Array.prototype) throw fault(depth, describe(array));
  const { length } = array;
  count(length + 1, length + 2, 48 + 8 * length);
  let result = array;
  for (let i = 0; i < length; i++) {
    trail[depth] = i;
    const member = array[i];
    const canonical = canonicalOf(member, depth + 1);
    if (!Object.is(canonical, member)) {
      if (result === array) result = array.slice();
      result[i] = canonical;
    }
  }
  // "length" is the one other name that an array has.
  if (Reflect.ownKeys(array).length !== length + 1) {
    throw fault(depth, 'is an array with members that have names');
  }
  return freezing ? Object.freeze(result) : result;
}

function canonicalObject(object: object, depth: number): unknown {
  const names = Reflect.ownKeys(object);
  let result = object as Record<string, unknown>;
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype) {
    if (!isPlainPrototype(prototype)) throw fault(depth, describe(object));
    result = copyOf(object);
  }
  count(1, 2, 32);
  let kept = 0;
  let last = '';
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string | symbol;
    if (typeof name === 'symbol') throw fault(depth, 'has a member whose name is a symbol');
    trail[depth] = name;
    const property = Object.getOwnPropertyDescriptor(object, name) as PropertyDescriptor;
    if (property.get !== undefined || property.set !== undefined) throw fault(depth + 1, 'is a getter');
    if (!property.enumerable) throw fault(depth + 1, 'is not enumerable');
    const member: unknown = property.value;
    if (member === undefined) {
      if (result === object) result = copyOf(object);
      continue;
    }
    kept += 1;
    last = name;
    count(name.length + 4, 6 * name.length + 4, names.length <= SHARED_NAMES ? 8 : 72 + name.length);
    const canonical = canonicalOf(member, depth + 1);
    if (!Object.is(canonical, member)) {
      if (result === object) result = copyOf(object);
      define(result, name, canonical);
    }
  }
  // An only member whose name begins with "$" looks like a bigint's tag in the store.
  if (kept === 1 && last.charCodeAt(0) === DOLLAR) plain = false;
  return freezing ? Object.freeze(result) : result;
}

const DOLLAR = 36;

/** Whether the prototype is that of a plain object: `Object.prototype`, also of another realm, or null. */
export function isPlainPrototype(prototype: unknown): boolean {
  if (prototype === Object.prototype || prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf');
}

function copyOf(object: object): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(object)) {
    const member = (object as Record<string, unknown>)[name];
    if (member !== undefined) define(copy, name, member);
  }
  return copy;
}

/** Sets a member. A plain assignment to `__proto__` would set the prototype instead. */
export function define(object: object, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
  } else {
    (object as Record<string, unknown>)[name] = value;
  }
}

/** @throws ValueError when the text must be too long. Parts that are used several times can make it far longer than the value in memory. */
function count(leastBytes: number, mostBytes: number, heapBytes: number): void {
  least += leastBytes;
  most += mostBytes;
  heap += heapBytes;
  if (least > limit) throw new ValueError(`${rootName} is larger than ${limit} bytes`);
}

/** Up to this many members, objects of one shape are assumed to share the names of their members in memory. */
const SHARED_NAMES = 12;

function heapOfText(text: string): number {
  const isWide = text.length > 32 && Buffer.byteLength(text) !== text.length;
  return 24 + (isWide ? 2 * text.length : text.length);
}

const WORD = 1n << 64n;

function countBigint(value: bigint): void {
  plain = false;
  if (value < WORD && value > -WORD) {
    count(1, 40, 24);
  } else {
    const digits = value.toString(16).length;
    bits += 4 * digits;
    // Tagged and hexadecimal in the store, decimal in a reply.
    count(digits, 2 * digits + 20, 16 + digits / 2);
  }
}

function fault(depth: number, what: string): ValueError {
  return new ValueError(`${rootName}${pathText(trail.slice(0, depth))} ${what}`);
}

/** A cycle shows by its depth, so the walk does not need to remember the objects that it has visited. */
function tooDeep(depth: number): ValueError {
  const chain: unknown[] = [root];
  for (let i = 0; i < depth; i++) {
    const next = (chain[i] as Record<string | number, unknown>)[trail[i] as string | number];
    if (chain.includes(next)) return fault(i + 1, 'is part of a cycle');
    chain.push(next);
  }
  return fault(depth, `is nested deeper than ${MAX_DEPTH} levels`);
}
