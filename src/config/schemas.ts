/**
 * Schemas for the values of settings: integers, sizes, addresses, tokens and so on. A schema turns text into a value, or into a sentence that says which values
 * are valid. The sentence never repeats the text, which may be a credential.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as v from 'valibot';
import { parseRedisUrl } from '../store/redis/redis-url.js';

export const KIB = 2 ** 10;
export const MIB = 2 ** 20;
/** 16 characters are beyond guessing over a network, when they are random. */
const TOKEN_LENGTH = 16;
/** Actors that need no module. */
const BUILT_IN = ['fibonacci'];

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const HOST_PORT = /^(?:\[(?<bracketed>[0-9a-fA-F:.]+)\]|(?<plain>[^\s:[\]/@]*)):(?<port>\d{1,5})$/;

export function integer(min: number, max: number) {
  return v.pipe(
    v.string(),
    v.regex(/^\d{1,15}$/, `must be an integer from ${min} to ${max}`),
    v.transform(Number),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  );
}

/** 0 is off. */
export function zeroOr(min: number, max: number) {
  return v.pipe(
    v.string(),
    v.regex(/^\d{1,15}$/, `must be 0, or an integer from ${min} to ${max}`),
    v.transform(Number),
    v.check((value) => value === 0 || value >= min, `must be 0, or at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  );
}

export const milliseconds = integer(1, 3_600_000);

/** From a number of KiB or MiB to bytes. */
export function bytes(unit: number, max: number) {
  return v.pipe(
    integer(1, max),
    v.transform((count) => count * unit),
  );
}

export function oneOf<const Word extends string>(words: readonly Word[], problem: string) {
  return v.picklist(words, problem);
}

export const text = v.string();

export const nonEmpty = v.pipe(v.string(), v.nonEmpty('must not be empty'));

export const onOff = v.pipe(
  v.picklist(['on', 'off'], 'must be on or off'),
  v.transform((word) => word === 'on'),
);

export const hostPort = v.pipe(v.string(), v.rawTransform<string, HostPort>(readHostPort));

/** Empty for none. */
export const optionalHostPort = v.pipe(
  v.string(),
  v.rawTransform<string, HostPort | undefined>((context) =>
    context.dataset.value === '' ? undefined : readHostPort(context),
  ),
);

function readHostPort({ dataset, addIssue, NEVER }: v.RawTransformContext<string>): HostPort {
  const address = hostPortOf(dataset.value);
  if (address) return address;
  addIssue({ message: 'must be host:port, with a port from 0 to 65535' });
  return NEVER;
}

function hostPortOf(text: string): HostPort | undefined {
  const parts = HOST_PORT.exec(text)?.groups;
  const port = Number(parts?.['port']);
  if (!parts || port > 65535) return undefined;
  return { host: parts['bracketed'] ?? parts['plain'] ?? '', port };
}

export const redisUrl = v.pipe(
  v.string(),
  v.check(
    (text) => text === '' || parseRedisUrl(text) !== undefined,
    'must be a redis:// or rediss:// URL with a host, percent-encoded credentials, and nothing behind them but a port and a database number',
  ),
);

/** For an address that can be left open, or be none on purpose. */
export const nodeHostPort = v.pipe(
  v.string(),
  v.rawTransform<string, HostPort | 'none' | undefined>((context) => {
    const { value } = context.dataset;
    if (value === '') return undefined;
    return value === 'none' ? 'none' : readHostPort(context);
  }),
);

/** Undefined when it is left open. */
export const shardCount = v.pipe(
  v.string(),
  v.check(
    (text) => text === '' || (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= 1024),
    'must be a whole number from 1 to 1024',
  ),
  v.transform((text) => (text === '' ? undefined : Number(text))),
);

export const redisHostPort = v.pipe(
  optionalHostPort,
  v.check(
    (address) => !address || parseRedisUrl(redisUrlOf(address)) !== undefined,
    'must be the name or address of a host, and a port above 0',
  ),
);

export function redisUrlOf({ host, port }: HostPort): string {
  return `redis://${host.includes(':') ? `[${host}]` : host || 'localhost'}:${port}`;
}

/** Empty for none. */
export const redisNodes = v.pipe(
  v.string(),
  v.transform((text): readonly HostPort[] | undefined => {
    const nodes = text === '' ? [] : text.split(',').map((node) => hostPortOf(node.trim()));
    return nodes.includes(undefined) ? undefined : Object.freeze(nodes as HostPort[]);
  }),
  v.check(
    (nodes) => nodes?.every((node) => parseRedisUrl(redisUrlOf(node)) && node.host !== '') ?? false,
    'must be host:port of some servers, separated by commas',
  ),
  v.transform((nodes) => nodes ?? []),
);

export const redisPrefix = v.pipe(
  v.string(),
  v.regex(/^[^{}\s]+$/, 'must be text without braces and spaces'),
);

export const token = v.pipe(
  v.string(),
  v.regex(/^[\x21-\x7e]*$/, 'must be of visible ASCII characters'),
  v.check(
    (token) => token === '' || token.length >= TOKEN_LENGTH,
    `must have ${TOKEN_LENGTH} characters at least`,
  ),
);

export const origins = v.pipe(
  v.string(),
  v.transform((text): readonly string[] =>
    Object.freeze(text === '' ? [] : text.split(',').map((origin) => origin.trim())),
  ),
  v.check(
    (origins) => (origins.length === 1 && origins[0] === '*') || origins.every(isOrigin),
    'must be *, or origins such as https://app.example, separated by commas',
  ),
);

/** As browsers send it: no path, no credentials, no default port, lower case. */
function isOrigin(text: string): boolean {
  return /^https?:[^*]*$/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

export interface ActorList {
  /** file: URLs of the modules whose actors are served. */
  readonly modules: readonly string[];
  /** Names of built-in actors. */
  readonly residents: readonly string[];
}

/** A list stands for itself: the command line has one already, and a file's name may have a comma. */
export const actorList = v.pipe(
  v.union([v.string(), v.array(v.string())]),
  v.transform((given) => (typeof given === 'string' ? given.split(',').map((name) => name.trim()) : given)),
  v.check(
    (names) => names.length > 0 && !names.includes(''),
    `must be files and built-in actors (${BUILT_IN}), separated by commas`,
  ),
  v.check((names) => new Set(names).size === names.length, 'must not name a file or a built-in actor twice'),
  v.transform(
    (names): ActorList =>
      Object.freeze({
        modules: Object.freeze(
          names.filter((name) => !BUILT_IN.includes(name)).map((name) => pathToFileURL(resolve(name)).href),
        ),
        residents: Object.freeze(names.filter((name) => BUILT_IN.includes(name))),
      }),
  ),
);
