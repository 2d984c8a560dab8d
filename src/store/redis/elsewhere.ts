/** What a node of a cluster says when another one has the keys. It has not carried the command out. */

export class Elsewhere extends Error {
  /** `MOVED`: from now on; `ASK`: for this one command, while the slot is on its way. */
  readonly kind: 'MOVED' | 'ASK';
  /** Empty for the host of the node that says it. */
  readonly host: string;
  readonly port: number;
  /** What it means where no cluster is expected. */
  readonly denied: string;

  /** @param said `MOVED slot host:port`, or the same with `ASK`. */
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
