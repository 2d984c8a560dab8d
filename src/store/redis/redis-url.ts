/**
 * Parses a Redis address as an operator writes it: `redis://user:password@host:port/database`, or `rediss://` for TLS. The client library's own
 * parser is not used: it takes any option from the query, uses no TLS when the scheme is in capitals, and takes database 0 for a path that is
 * not a number.
 */
export interface RedisAddress {
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
  /** Empty for the default user. */
  readonly username: string;
  /** Empty for none. */
  readonly password: string;
  readonly database: number;
}

const DEFAULT_PORT = 6379;
/** A name, an IPv4 or a bracketed IPv6 address. */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])$/i;
const DATABASE = /^\/?(\d{0,9})$/;

export function isSameServer(a: RedisAddress, b: RedisAddress): boolean {
  return a.host === b.host && a.port === b.port;
}

/** @returns undefined when any part of the text is not understood. */
export function parseRedisUrl(text: string): RedisAddress | undefined {
  // A parsed URL does not show an empty query or fragment.
  if (/[?#\s]/.test(text) || !URL.canParse(text)) return undefined;
  const { protocol, hostname, port, username, password, pathname } = new URL(text);
  const [, database] = DATABASE.exec(pathname) ?? [];
  if ((protocol !== 'redis:' && protocol !== 'rediss:') || port === '0') return undefined;
  if (!HOST.test(hostname) || database === undefined) return undefined;
  try {
    return {
      tls: protocol === 'rediss:',
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port ? Number(port) : DEFAULT_PORT,
      username: decodeURIComponent(username),
      password: decodeURIComponent(password),
      database: Number(database),
    };
  } catch {
    return undefined;
  }
}
