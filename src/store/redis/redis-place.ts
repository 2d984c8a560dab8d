/** Where a store on Redis is, as the configuration says it. Plain data, so that it can be sent to the owner thread. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface SentinelPlace {
  readonly nodes: readonly HostPort[];
  /** What the Sentinels call the master. */
  readonly master: string;
  /** Login of the Sentinels themselves. Empty for none. */
  readonly username: string;
  readonly password: string;
}

export interface RedisPlace {
  /** With Sentinels or a cluster only its scheme, login and database are used: the server is found. */
  readonly url: string;
  /** How the keys begin. */
  readonly prefix: string;
  /** The Sentinels that name the master. */
  readonly sentinels?: SentinelPlace;
  /** Some nodes of a Redis Cluster. The others are found. */
  readonly cluster?: readonly HostPort[];
  /** How many replicas must have a commit before it counts. */
  readonly replicas?: number;
}

/** The place as text for operators. It has no credentials, and is the same for two processes that use the same store. */
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
