/**
 * Decides who may use the admin address. With a token: requests that bring it, as bearer token or as password of basic authentication, which browsers can ask for.
 * Without a token the address is a loopback one, and the danger is a foreign web page in the operator's browser. So requests with another host name
 * (a name that resolves to loopback) and requests from other origins are refused.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export interface Refusal {
  readonly status: 401 | 403 | 421;
  readonly title: string;
}

const LOOPBACK_NAME = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/;

export class Access {
  readonly #token: Buffer | undefined;

  /** @param token empty for none. */
  constructor(token: string) {
    this.#token = token === '' ? undefined : digest(token);
  }

  check({ headers, method }: IncomingMessage): Refusal | undefined {
    const { host = '', authorization = '', origin } = headers;
    if (this.#token) {
      if (!timingSafeEqual(this.#token, digest(secretIn(authorization)))) {
        return { status: 401, title: 'The admin token is missing or wrong' };
      }
    } else if (!LOOPBACK_NAME.test(host)) {
      return { status: 421, title: 'Without a token only loopback names are answered' };
    }
    const foreign = headers['sec-fetch-site'] === 'cross-site' || headers['sec-fetch-site'] === 'same-site';
    const changes = method !== 'GET' && method !== 'HEAD';
    if (changes && (foreign || (origin !== undefined && hostOf(origin) !== host))) {
      return { status: 403, title: 'Another site may not command this process' };
    }
    return undefined;
  }
}

/** Equal in length for every secret, so that comparing takes the same time for all. */
function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

function secretIn(authorization: string): string {
  const [scheme = '', value = ''] = authorization.split(' ', 2);
  if (/^bearer$/i.test(scheme)) return value;
  if (!/^basic$/i.test(scheme)) return '';
  const pair = Buffer.from(value, 'base64').toString('utf8');
  return pair.slice(pair.indexOf(':') + 1);
}

function hostOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).host : '';
}
