/** The answer of a Redis Cluster node when another node has the keys. The node has not executed the command. */
export class Redirection extends Error {
  /** `MOVED`: the other node has the slot from now on; `ASK`: for this one command, while the slot moves. */
  readonly kind: 'MOVED' | 'ASK';
  /** Empty when it is the host of the node that answered. */
  readonly host: string;
  readonly port: number;
  /** The error message for a configuration without a cluster. */
  readonly denied: string;

  /** @param said `MOVED slot host:port`, or `ASK slot host:port`. */
  constructor(said: string, denied: string) {
    super(said);
    const [kind, , address = ''] = said.split(' ');
    const colon = address.lastIndexOf(':');
    this.kind = kind === 'ASK' ? 'ASK' : 'MOVED';
    this.host = address.slice(0, Math.max(0, colon)).replace(/^\?$/, '');
    this.port = Number(address.slice(colon + 1));
    this.denied = denied;
  }
}
