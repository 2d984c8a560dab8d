/**
 * Takes numbers from a running service until SIGTERM, while others kill its containers, and then judges all that it got.
 *
 *   node take-numbers.mjs <base URL> <takers> <cuts>
 *
 * Each taker is a client with one connection that asks for the next number, waits for the answer, and asks again. What must hold:
 * no acknowledged index twice; each number is F(index); an answer that came before a question was sent has the smaller
 * index; and an index may be missing only where an answer was cut off, so at most `takers` per cut and never more than the questions
 * whose fate is unknown. Prints one line of JSON; exits 1 when something does not hold.
 */
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const [baseUrl, takersArgument, cutsArgument] = process.argv.slice(2);
const takers = Number(takersArgument);
const cuts = Number(cutsArgument);
const askTimeoutMs = 10_000;
const pauseMs = 15;

/** @type {{ sentAt: number, answeredAt: number, index: number, number: string }[]} */
const acknowledged = [];
const violations = [];
let refused = 0;
let unknown = 0;
let stopping = false;
process.on('SIGTERM', () => {
  stopping = true;
});

await Promise.all(Array.from({ length: takers }, take));
judge();

async function take() {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  while (!stopping) {
    const sentAt = performance.now();
    try {
      const { status, index, body } = await ask(agent);
      const answeredAt = performance.now();
      const number = /^\{"next": (\d+)\}$/.exec(body)?.[1];
      if (status === 200 && number !== undefined && /^\d+$/.test(index ?? '')) {
        acknowledged.push({ sentAt, answeredAt, index: Number(index), number });
      } else if (status === 503) {
        refused++;
      } else if (status === 504) {
        unknown++;
      } else {
        violations.push(`an answer out of the contract: ${status}, index ${index}, ${body.slice(0, 80)}`);
      }
    } catch (error) {
      if (error.code === 'ECONNREFUSED') refused++;
      else unknown++;
    }
    await sleep(pauseMs);
  }
  agent.destroy();
}

/** Rejects when the connection ends before the answer does. */
function ask(agent) {
  return new Promise((resolve, reject) => {
    const request = http.request(new URL('/next', baseUrl), { agent, method: 'POST' }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode,
          index: response.headers['sequence-index'],
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    request.setTimeout(askTimeoutMs, () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
    request.end();
  });
}

function judge() {
  const byIndex = acknowledged.toSorted((a, b) => a.index - b.index);
  let missing = 0;
  for (const [at, { index }] of byIndex.entries()) {
    if (at === 0) continue;
    const before = byIndex[at - 1].index;
    if (index === before) violations.push(`index ${index} was acknowledged twice`);
    else missing += index - before - 1;
  }
  if (missing > Math.min(unknown, takers * cuts)) {
    violations.push(`${missing} indexes are missing, with ${unknown} unknown answers and ${cuts} cuts`);
  }
  if (acknowledged.length === 0) violations.push('nothing was acknowledged');
  judgeOrder();
  judgeNumbers(byIndex);

  const byTime = acknowledged.map(({ answeredAt }) => answeredAt);
  const longestSilenceMs = Math.round(Math.max(0, ...byTime.slice(1).map((time, at) => time - byTime[at])));
  const [first, last] = [byIndex[0]?.index, byIndex.at(-1)?.index];
  const summary = {
    acknowledged: acknowledged.length,
    first,
    last,
    missing,
    unknown,
    refused,
    longestSilenceMs,
  };
  console.log(JSON.stringify({ ...summary, violations: violations.slice(0, 5) }));
  process.exitCode = violations.length === 0 ? 0 : 1;
}

/** Sweeps over the questions as they were sent, with the largest index that had been answered by then. */
function judgeOrder() {
  const answered = acknowledged.toSorted((a, b) => a.answeredAt - b.answeredAt);
  let largest = -1;
  let next = 0;
  for (const { sentAt, index } of acknowledged.toSorted((a, b) => a.sentAt - b.sentAt)) {
    while (next < answered.length && answered[next].answeredAt < sentAt) {
      largest = Math.max(largest, answered[next++].index);
    }
    if (index <= largest) violations.push(`index ${index} came after an answer with ${largest}`);
  }
}

function judgeNumbers(byIndex) {
  let [index, current, following] = [0, 0n, 1n];
  for (const entry of byIndex) {
    for (; index < entry.index; index++) [current, following] = [following, current + following];
    if (entry.number !== current.toString()) violations.push(`index ${index} came with a wrong number`);
  }
}
