/**
 * Takes numbers from a running service until SIGTERM, while others kill its containers, and then judges all that it got.
 *
 *   node take-numbers.mjs <base URL> <takers> <cuts> [counters]
 *
 * Each taker is a client with one connection that asks for the next number, waits for the answer, and asks again. With counters there are as many
 * takers again, who add to actors of counter.mjs: the count is an index like that of the sequence. What must hold:
 * no acknowledged index twice; each number is F(index); an answer that came before a question was sent has the smaller
 * index; and an index may be missing only where an answer was cut off, so at most `takers` per cut and never more than the questions
 * whose fate is unknown. Prints one line of JSON; exits 1 when something does not hold.
 */
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const [baseUrl, ...numbers] = process.argv.slice(2);
const [takers, cuts, counters = 0] = numbers.map(Number);
const askTimeoutMs = 10_000;
const pauseMs = 15;

/** @typedef {{ sentAt: number, answeredAt: number, index: number, number?: string }} Taken */
/** What is taken from, and what came of it. @type {{ path: string, acknowledged: Taken[], refused: number, unknown: number }[]} */
const sources = ['/next', ...Array.from({ length: counters }, (_, at) => `/counter/k${at}/add`)].map(
  (path) => ({
    path,
    acknowledged: [],
    refused: 0,
    unknown: 0,
  }),
);
const [sequence, ...counting] = sources;
const violations = [];
/** How often each refusal and each unknown outcome came. */
const failures = {};
let stopping = false;
process.on('SIGTERM', () => {
  stopping = true;
});

await Promise.all(
  Array.from({ length: takers }, (_, at) => [
    // The sequence is moved by a GET as well as by a POST.
    take(sequence, at % 2 === 0 ? 'POST' : 'GET'),
    counters > 0 && take(counting[at % counters], 'POST'),
  ]).flat(),
);
judge();

async function take(source, method) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  while (!stopping) {
    const sentAt = performance.now();
    try {
      const { status, index, body } = await ask(agent, source.path, method);
      const answeredAt = performance.now();
      const taken = source === sequence ? numberOf(index, body) : countOf(body);
      if (status === 200 && taken) {
        source.acknowledged.push({ sentAt, answeredAt, ...taken });
      } else if (status === 503) {
        source.refused++;
        note(`503 ${codeOf(body)}`);
      } else if (status === 504) {
        source.unknown++;
        note(`504 ${codeOf(body)}`);
      } else {
        violations.push(`an answer out of the contract: ${status}, index ${index}, ${body.slice(0, 80)}`);
      }
    } catch (error) {
      if (error.code === 'ECONNREFUSED') source.refused++;
      else source.unknown++;
      note(error.code ?? error.message);
    }
    await sleep(pauseMs);
  }
  agent.destroy();
}

function note(failure) {
  failures[failure] = (failures[failure] ?? 0) + 1;
}

/** Warren's own; a proxy has none. */
function codeOf(body) {
  return /"code": ?"([\w-]+)"/.exec(body)?.[1] ?? 'without a code';
}

function numberOf(index, body) {
  const number = /^\{"next": (\d+)\}$/.exec(body)?.[1];
  if (number !== undefined && /^\d+$/.test(index ?? '')) return { index: Number(index), number };
}

function countOf(body) {
  if (/^\d+$/.test(body)) return { index: Number(body) };
}

/** Rejects when the connection ends before the answer does. */
function ask(agent, path, method) {
  return new Promise((resolve, reject) => {
    const request = http.request(new URL(path, baseUrl), { agent, method }, (response) => {
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
  for (const source of sources) judgeIndexes(source);
  judgeNumbers(sequence.acknowledged.toSorted((a, b) => a.index - b.index));
  const sum = (of) => sources.reduce((total, source) => total + of(source), 0);
  const summary = {
    acknowledged: sum((source) => source.acknowledged.length),
    last: sequence.acknowledged.reduce((last, { index }) => Math.max(last, index), 0),
    missing: sum((source) => source.missing),
    unknown: sum((source) => source.unknown),
    refused: sum((source) => source.refused),
    longestSilenceMs: Math.max(...sources.map(longestSilenceMs)),
  };
  console.log(JSON.stringify({ ...summary, failures, violations: violations.slice(0, 5) }));
  process.exitCode = violations.length === 0 ? 0 : 1;
}

function judgeIndexes(source) {
  const { path, acknowledged, unknown } = source;
  const indexes = acknowledged.map(({ index }) => index).toSorted((a, b) => a - b);
  source.missing = 0;
  for (const [at, index] of indexes.slice(1).entries()) {
    const before = indexes[at];
    if (index === before) violations.push(`${path}: index ${index} was acknowledged twice`);
    else source.missing += index - before - 1;
  }
  if (source.missing > Math.min(unknown, takers * cuts)) {
    violations.push(
      `${path}: ${source.missing} indexes are missing, with ${unknown} unknown answers and ${cuts} cuts`,
    );
  }
  if (acknowledged.length === 0) violations.push(`${path}: nothing was acknowledged`);
  judgeOrder(source);
}

function longestSilenceMs({ acknowledged }) {
  const byTime = acknowledged.map(({ answeredAt }) => answeredAt);
  return Math.round(Math.max(0, ...byTime.slice(1).map((time, at) => time - byTime[at])));
}

/** Sweeps over the questions as they were sent, with the largest index that had been answered by then. */
function judgeOrder({ path, acknowledged }) {
  const answered = acknowledged.toSorted((a, b) => a.answeredAt - b.answeredAt);
  let largest = -1;
  let next = 0;
  for (const { sentAt, index } of acknowledged.toSorted((a, b) => a.sentAt - b.sentAt)) {
    while (next < answered.length && answered[next].answeredAt < sentAt) {
      largest = Math.max(largest, answered[next++].index);
    }
    if (index <= largest) violations.push(`${path}: index ${index} came after an answer with ${largest}`);
  }
}

function judgeNumbers(byIndex) {
  let [index, current, following] = [0, 0n, 1n];
  for (const entry of byIndex) {
    for (; index < entry.index; index++) [current, following] = [following, current + following];
    if (entry.number !== current.toString()) violations.push(`index ${index} came with a wrong number`);
  }
}
