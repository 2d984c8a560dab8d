/** Loads uWebSockets.js, whose prebuilt binaries fit some platforms only, and says which when this one is not among them. */
import { WarrenError } from '../errors.js';

export type Uws = typeof import('uWebSockets.js');

/** @throws WarrenError `native-missing` */
export async function loadUws(): Promise<Uws> {
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
