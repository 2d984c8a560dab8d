/** Where a store on Redis is, as the configuration says it: plain data, so that it can be handed to the owner thread. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface SentinelPlace {
  readonly nodes: readonly HostPort[];
  /** What the Sentinels call the master. */
  readonly master: string;
  /** Of the Sentinels themselves. Empty for none. */
  readonly username: string;
  readonly password: string;
}

export interface RedisPlace {
  /** With Sentinels or a cluster only its scheme, login and database count: the servers are found. */
  readonly url: string;
  /** How its keys begin. */
  readonly prefix: string;
  /** The master changes, and they know which one it is. */
  readonly sentinels?: SentinelPlace;
  /** Some nodes of a Redis Cluster. The others are found. */
  readonly cluster?: readonly HostPort[];
  /** So many replicas must have a commit before it counts. */
  readonly replicas?: number;
}

/** Where it is, in words for an operator: without credentials, and the same for two processes that use the same store. */
export function redisPlaceText({ url, prefix, sentinels, cluster }: RedisPlace): string {
  const keys = `keys ${prefix}:*`;
  if (sentinels) return `Redis "${sentinels.master}" of the Sentinels ${listed(sentinels.nodes)}, ${keys}`;
  if (cluster) return `Redis Cluster ${listed(cluster)}, ${keys}`;
  return `Redis ${new URL(url).host}, ${keys}`;
}

function listed(nodes: readonly HostPort[]): string {
  return nodes
    .map(({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`))
    .sort()
    .join(',');
}
