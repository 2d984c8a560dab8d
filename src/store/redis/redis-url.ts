/**
 * A Redis address as an operator writes it: `redis://user:password@host:port/database`, or `rediss://` for TLS. It is read
 * here and not by the client library, which takes any option from the query, no TLS for a scheme in capitals, and database 0
 * for a path that is no number.
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

/** @returns undefined for whatever is not understood whole. */
export function parseRedisUrl(text: string): RedisAddress | undefined {
  // An empty query or fragment leaves no trace in a parsed URL.
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
