/** What every peer is told, and what it says: where to listen, where to start, and on which port it listens. */

export interface PeerSetup {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly initialIndex: number;
}

export function peerSetup(): PeerSetup {
  const { HOST = '127.0.0.1', PORT = '0', INITIAL_INDEX = '0' } = process.env;
  return { host: HOST, port: Number(PORT), initialIndex: Number(INITIAL_INDEX) };
}

/** The same line as Warren's, as far as the bench reads it. */
export function announce(port: number): void {
  console.log(JSON.stringify({ msg: 'listening', port }));
}
