/** The messages that the server sends to the live page (see `live-feed.ts` and `sampler.ts`), and the connection that receives them. */

export interface Percentiles {
  readonly p50?: number;
  readonly p90?: number;
  readonly p99?: number;
}

export interface Threads {
  readonly main: number;
  readonly owner: number;
}

export interface ActorSample {
  readonly name: string;
  readonly answers: number;
  readonly refusals: number;
  readonly problems: number;
  readonly latency: Percentiles;
}

export interface Sample {
  readonly at: number;
  readonly phase: string;
  readonly epoch: number;
  readonly rates: { readonly commands: number; readonly queries: number; readonly problems: number };
  readonly latency: Percentiles;
  readonly actors: readonly ActorSample[];
  readonly residents: {
    readonly fibonacci?: { readonly index: number; readonly digits: number };
  };
  readonly pending: number;
  readonly oldestMs: number;
  readonly batch?: number;
  readonly commits: {
    readonly rate: number;
    readonly latency: Percentiles;
    readonly group?: number;
    readonly bytes?: number;
    readonly unstored: number;
  };
  readonly states: {
    readonly count: number;
    readonly bytes: number;
    readonly loads: number;
    readonly evictions: number;
  };
  readonly busy: Threads;
  readonly heapBytes: Threads;
  readonly residentBytes: number;
  readonly unsentBytes: number;
  readonly totals: {
    readonly answers: number;
    readonly problems: number;
    readonly commits: number;
    readonly deaths: number;
  };
  readonly faults?: { readonly storeDelayMs: number; readonly storeDropped: boolean };
}

export interface Entry {
  readonly at: number;
  readonly kind: string;
  readonly text: string;
}

/** What one node knows of all that share its Redis. */
export interface Nodes {
  readonly node: string;
  readonly shards: number;
  readonly owned: number;
  readonly coming: number;
  readonly going: number;
  readonly nodes: readonly {
    readonly node: string;
    readonly state: string;
    readonly address: string;
    readonly version: string;
    readonly placed: number;
  }[];
}

export interface Hello {
  readonly version: string;
  readonly node: string;
  readonly pid: number;
  readonly startedAt: number;
  readonly store: string;
  readonly durability: string;
  readonly faults: boolean;
  readonly pendingLimit: number;
  readonly nodes?: Nodes;
  readonly samples: readonly Sample[];
  readonly entries: readonly Entry[];
}

export interface Listener {
  hello(hello: Hello): void;
  sample(sample: Sample): void;
  entry(entry: Entry): void;
  nodes(nodes: Nodes): void;
  lost(): void;
}

/** After an answer that is no stream the browser gives up by itself; the page does not. */
const RETRY_MS = 2000;

/** Listens for as long as the page is open. */
export function listen(listener: Listener): void {
  const source = new EventSource('events');
  const on = <T>(name: string, handle: (data: T) => void) =>
    source.addEventListener(name, (event) => handle(JSON.parse((event as MessageEvent<string>).data) as T));
  on<Hello>('hello', (hello) => listener.hello(hello));
  on<Sample>('sample', (sample) => listener.sample(sample));
  on<Nodes>('nodes', (nodes) => listener.nodes(nodes));
  on<Entry>('entry', (entry) => listener.entry(entry));
  source.addEventListener('error', () => {
    listener.lost();
    if (source.readyState !== EventSource.CLOSED) return;
    source.close();
    setTimeout(() => listen(listener), RETRY_MS);
  });
}
