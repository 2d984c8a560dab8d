/**
 * What a request pays for being counted: the fields of `RequestCounts` for each request, and once per batch the histograms of
 * the front, the owner's turns and its commit. In a bare mailbox with and without them, by size of the batch, beside the
 * CPU time that a whole request takes from the real server in the same round, the counting included. The share of the
 * counting is the difference of the two mailboxes, as a part of that. A batch of one has no other requests to share its
 * crossing and its commit with, so it costs many times what the real server shows here: its share is an upper bound.
 */
import { RequestCounts } from '../../src/http/request-counts.js';
import { AskMeter } from '../../src/meter/ask-meter.js';
import { OwnerMeter } from '../../src/meter/owner-meter.js';
import { NEXT } from '../../src/residents/fibonacci/fibonacci.js';
import { type Asker, PendingAsks } from '../../src/runtime/pending-asks.js';
import { compare, type Way } from '../comparison.js';
import { warrenInMemory } from '../contestants.js';
import { chooseLoadTool } from '../load/closed-loop.js';
import { RunningServer } from '../running-server.js';
import { Teardowns } from '../teardowns.js';

const BATCH_SIZES = [1, 10, 100];
const REQUESTS = 1_000_000;
/** Each takes a second or so, as short as wrk can. */
const ROUNDS = 5;
const CONNECTIONS = 50;
const MAILBOX = 1024;

const scope = new Teardowns();
await compare('What counting costs the process', 'ns/request', ROUNDS, [
  await wholeRequest(),
  ...BATCH_SIZES.flatMap((size) => [bare(size), counted(size)]),
]);
await scope.run();

/** Reads of a small number: of all requests the cheapest, so the share is at its largest. */
async function wholeRequest(): Promise<Way> {
  const server = await RunningServer.start(scope, warrenInMemory('async'), { initialIndex: 10 });
  const load = chooseLoadTool(undefined);
  return {
    name: 'the real server, CPU time',
    run: async () => {
      const before = server.cpuSeconds();
      const { requests } = await load.run(scope, {
        port: server.port,
        path: '/current',
        connections: CONNECTIONS,
        seconds: 1,
      });
      return ((server.cpuSeconds() - before) * 1e9) / requests;
    },
  };
}

function raise(error: unknown): never {
  throw error;
}

function bare(size: number): Way {
  const asks = new PendingAsks(MAILBOX, raise);
  let settled = 0;
  const asker: Asker = {
    settle() {
      settled += 1;
    },
  };
  return {
    name: `bare mailbox, batches of ${size}`,
    run: async () => {
      const begin = performance.now();
      for (let batch = 0; batch < REQUESTS / size; batch++) {
        for (let at = 0; at < size; at++) asks.add(NEXT, asker, batch);
        for (let at = 0; at < size; at++) asks.settleNext(batch);
      }
      if (settled === 0) throw new Error('an engine must not leave the loop out');
      return ((performance.now() - begin) * 1e6) / REQUESTS;
    },
  };
}

/** The same, with what `Reply`, `OwnerHandle`, the owner's thread and `MeteredStore` add. */
function counted(size: number): Way {
  const asks = new PendingAsks(MAILBOX, raise);
  const counts = new RequestCounts('GET', '/next');
  const front = new AskMeter();
  const owner = new OwnerMeter();
  const asker: Asker = {
    settle() {
      counts.ok += 1;
    },
  };
  return {
    name: `counted, batches of ${size}`,
    run: async () => {
      const begin = performance.now();
      for (let batch = 0; batch < REQUESTS / size; batch++) {
        for (let at = 0; at < size; at++) asks.add(NEXT, asker, begin);
        front.batchSizes.record(size);
        const committing = performance.now();
        owner.commitLatency.record(performance.now() - committing);
        owner.addCommit(size, counts.ok);
        owner.addTurns(size);
        const now = performance.now();
        let together = 0;
        for (let at = 0; at < size; at++) {
          if (asks.oldestAt === begin) together += 1;
          asks.settleNext(at);
        }
        front.latency.record(now - begin, together);
      }
      return ((performance.now() - begin) * 1e6) / REQUESTS;
    },
  };
}
