/** Loads uWebSockets.js. It has prebuilt binaries for some platforms only; on another one the error lists them. */
import { WarrenError } from '../errors.js';

/**
 * Bytes of request line and headers that the library keeps for a request that comes in pieces; it answers 431 to more. Above
 * HEAD_LIMIT_BYTES, so that our own limit applies first, however the bytes arrive. The library reads its limit from the environment only.
 */
const LIBRARY_HEAD_LIMIT_BYTES = 12_288;

export type Uws = typeof import('uWebSockets.js');

/** @throws WarrenError `native-missing` */
export async function loadUws(): Promise<Uws> {
  process.env['UWS_HTTP_MAX_HEADERS_SIZE'] = `${LIBRARY_HEAD_LIMIT_BYTES}`;
  try {
    const module = await import('uWebSockets.js');
    return module.default as unknown as Uws;
  } catch (cause) {
    throw new WarrenError(
      'native-missing',
      `uWebSockets.js has no binary for Node ${process.versions.node} on ${process.platform}-${process.arch}. It needs ` +
        'Node 20 with glibc 2.27 or later (Debian 10, Ubuntu 18.04), or Node 22, 24 or 25 with glibc 2.38 or later ' +
        '(Debian 13, Ubuntu 24.04). Alpine and other musl systems have none.',
      { cause },
    );
  }
}
