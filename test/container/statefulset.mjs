/**
 * Does with the StatefulSet of docs/operations/kubernetes-nodes.yml what Kubernetes would do, as far as the manifest says, with a Docker engine in its place:
 *
 *   node statefulset.mjs <image> <network> <prefix of names> <docker run option>…
 *
 * A pod is a container that holds a network and an address, and Warren's container in it. All pods start at once; startup, readiness and liveness are probed.
 * Connections of clients go to the pods that are ready. Then comes the rolling update, while take-numbers.mjs takes: from the last pod to the first, each one is
 * taken from the service a little late, has its preStop, SIGTERM and the rest of its grace period, and is made anew. The next one
 * follows when it has been ready for minReadySeconds. Prints what came of it; exits 1 when a request failed, or a pod did not behave.
 */
import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';

/** After the end of a pod has begun. The nodes of a cluster hear of it one after the other. */
const ENDPOINT_GOES_MS = 2_000;
const READY_WITHIN_MS = 90_000;
const SECRETS = {
  'admin-token': 'a-token-of-the-container-test',
  'node-token': 'another-one-of-the-container-test',
  'redis-url': 'redis://redis:6379',
};

const [image, network, prefix, ...options] = process.argv.slice(2);
const manifest = parseAllDocuments(
  readFileSync(new URL('../../docs/operations/kubernetes-nodes.yml', import.meta.url), 'utf8'),
).map((document) => document.toJS());
const { metadata, spec } = manifest.find(({ kind }) => kind === 'StatefulSet');
const { terminationGracePeriodSeconds: graceSeconds, containers } = spec.template.spec;
const [container] = containers;
const problems = [];

class Pod {
  /** In the service. */
  ready = false;
  address = '';
  #over = new AbortController();

  constructor(ordinal) {
    this.name = `${metadata.name}-${ordinal}`;
    this.main = `${prefix}-${this.name}`;
    this.sandbox = `${this.main}-sandbox`;
  }

  async start() {
    this.#over = new AbortController();
    await docker(
      'run',
      '--detach',
      '--init',
      '--name',
      this.sandbox,
      '--network',
      network,
      '--entrypoint',
      'sleep',
      image,
      '3600',
    );
    const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
    this.address = await docker('inspect', '--format', format, this.sandbox);
    const environment = container.env.flatMap(({ name, value, valueFrom }) => [
      '--env',
      `${name}=${this.#valueOf(value, valueFrom)}`,
    ]);
    const { limits } = container.resources;
    const memory = limits.memory.replace('Mi', 'm');
    await docker(
      'run',
      '--detach',
      '--name',
      this.main,
      '--network',
      `container:${this.sandbox}`,
      '--read-only',
      '--cap-drop',
      'ALL',
      '--memory',
      memory,
      '--memory-swap',
      memory,
      ...environment,
      ...options,
      image,
    );
    void this.#probe();
  }

  /** What the kubelet puts in place of `$(NAME)`, of a field of the pod, and of a secret. */
  #valueOf(value, from) {
    const fields = { 'metadata.name': this.name, 'status.podIP': this.address };
    if (from) return from.fieldRef ? fields[from.fieldRef.fieldPath] : SECRETS[from.secretKeyRef.key];
    return value.replace(/\$\((\w+)\)/g, (_, name) => {
      const { valueFrom } = container.env.find((variable) => variable.name === name);
      return fields[valueFrom.fieldRef.fieldPath];
    });
  }

  async #probe() {
    const { signal } = this.#over;
    if (!(await this.#turnsTo(true, container.startupProbe, signal))) {
      if (!signal.aborted) problems.push(`${this.name} did not start`);
      return;
    }
    void this.#turnsTo(false, container.livenessProbe, signal).then((failed) => {
      if (failed) problems.push(`${this.name} would have been restarted: it was not alive`);
    });
    while (!signal.aborted) {
      this.ready = await this.#turnsTo(
        true,
        { ...container.readinessProbe, failureThreshold: Number.POSITIVE_INFINITY },
        signal,
      );
      if (this.ready) await this.#turnsTo(false, container.readinessProbe, signal);
      this.ready = false;
    }
  }

  /** @returns true when the probe has succeeded, or has failed so often that it counts, false when the other one came before or the pod is to end. */
  async #turnsTo(success, { httpGet, periodSeconds, timeoutSeconds = 1, failureThreshold }, signal) {
    const { containerPort } = container.ports.find(({ name }) => name === httpGet.port);
    for (let failures = 0; !signal.aborted; ) {
      const answered = await fetch(`http://${this.address}:${containerPort}${httpGet.path}`, {
        signal: AbortSignal.timeout(timeoutSeconds * 1000),
      }).then(
        ({ ok }) => ok,
        () => false,
      );
      if (answered && success) return !signal.aborted;
      failures = answered ? 0 : failures + 1;
      if (failures === failureThreshold) return !success && !signal.aborted;
      await sleep(periodSeconds * 1000);
    }
    return false;
  }

  /** Ready for as long as an update wants it before it goes on. */
  async available() {
    const deadline = performance.now() + READY_WITHIN_MS;
    for (
      let since = performance.now();
      performance.now() - since < spec.minReadySeconds * 1000;
      await sleep(100)
    ) {
      if (!this.ready) since = performance.now();
      if (performance.now() > deadline) throw new Error(`${this.name} does not become ready`);
    }
  }

  async end() {
    const killAt = performance.now() + graceSeconds * 1000;
    void sleep(ENDPOINT_GOES_MS).then(() => this.#leaveService());
    await docker('exec', this.main, ...container.lifecycle.preStop.exec.command);
    await docker('stop', '--time', `${Math.round((killAt - performance.now()) / 1000)}`, this.main);
    const code = await docker('inspect', '--format', '{{.State.ExitCode}}', this.main);
    if (code !== '0') problems.push(`${this.name} ended with ${code}`);
    await this.remove();
  }

  #leaveService() {
    this.#over.abort();
    this.ready = false;
  }

  async remove() {
    this.#leaveService();
    await docker('rm', '--force', '--volumes', this.main, this.sandbox).catch(() => {});
  }
}

const pods = Array.from({ length: spec.replicas }, (_, ordinal) => new Pod(ordinal));
let connections = 0;
/** The service: a connection goes to one of the pods that are ready, and stays there. */
const service = createServer((client) => {
  const ready = pods.filter((pod) => pod.ready);
  const pod = ready[connections++ % ready.length];
  if (!pod) return client.destroy();
  const { containerPort } = container.ports.find(({ name }) => name === 'http');
  const upstream = connect(containerPort, pod.address);
  for (const [from, to] of [
    [client, upstream],
    [upstream, client],
  ])
    from.on('error', () => to.destroy()).pipe(to);
});

try {
  await Promise.all(pods.map((pod) => pod.start()));
  await Promise.all(pods.map((pod) => pod.available()));
  await new Promise((resolve) => service.listen(0, '127.0.0.1', resolve));
  const addresses = pods.map(({ address }) => address);
  const taker = spawn(
    process.execPath,
    [
      new URL('take-numbers.mjs', import.meta.url).pathname,
      `http://127.0.0.1:${service.address().port}`,
      '4',
      '0',
      '2',
    ],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let taken = '';
  taker.stdout.on('data', (chunk) => {
    taken += chunk;
  });
  const judged = new Promise((resolve) => taker.on('close', resolve));
  await sleep(1_000);
  for (const pod of pods.toReversed()) {
    await pod.end();
    await pod.start();
    await pod.available();
  }
  taker.kill('SIGTERM');
  if ((await judged) !== 0) problems.push('the numbers do not hold');
  const { unknown, refused } = JSON.parse(taken);
  if (unknown + refused > 0) problems.push('requests failed');
  console.log(
    JSON.stringify({
      taken: JSON.parse(taken),
      before: addresses,
      after: pods.map(({ address }) => address),
      problems,
    }),
  );
} catch (error) {
  problems.push(`${error}`);
  console.log(JSON.stringify({ problems }));
} finally {
  if (problems.length > 0)
    for (const pod of pods) console.log(await docker('logs', '--tail', '15', pod.main).catch(String));
  await Promise.all(pods.map((pod) => pod.remove()));
}
process.exit(problems.length > 0 ? 1 : 0);

async function docker(...args) {
  const { stdout } = await promisify(execFile)('docker', args);
  return stdout.trim();
}
