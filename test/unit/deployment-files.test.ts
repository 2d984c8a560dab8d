/** The files that deploy Warren: they parse, they fit each other, and they set nothing that Warren does not know. */
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { parse, parseAllDocuments } from 'yaml';
import { readConfig } from '../../src/config/config.js';
import { VARIABLE_NAMES } from '../../src/config/variables.js';
import { documents } from '../docs/markdown.js';

const root = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const KNOWN = new Set<string>(VARIABLE_NAMES);
/** Read by Node itself. */
const NODES_OWN = ['NODE_ENV', 'NODE_OPTIONS'];
const TOKEN = 'a-token-of-a-good-length';

type Fields = Record<string, unknown>;
interface Container {
  readonly image: string;
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly env: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly secretKeyRef: Fields };
  }[];
  readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly [probe: `${string}Probe`]: { readonly httpGet: { readonly path: string; readonly port: string } };
}

const kubernetes = new Map(
  parseAllDocuments(read('docs/operations/kubernetes.yml')).map((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    const object = document.toJS();
    return [object.kind as string, object] as const;
  }),
);
const deployment = kubernetes.get('Deployment');
const container: Container = deployment.spec.template.spec.containers[0];
const secret = kubernetes.get('Secret');

t.test(
  'the manifest runs one process, which Warren can configure itself from once the token is replaced',
  async (t) => {
    t.match(deployment.spec, { replicas: 1, strategy: { type: 'Recreate' } });
    for (const { name } of container.env) t.ok(KNOWN.has(name), name);
    const environment = (token: string) =>
      Object.fromEntries(
        container.env.map(({ name, value, valueFrom }) => [name, valueFrom ? token : value]),
      );
    const config = readConfig(environment(TOKEN));
    const ports = Object.fromEntries(container.ports.map(({ name, containerPort }) => [name, containerPort]));
    t.equal(config.serving.port, ports['http']);
    t.equal(config.admin?.port, ports['admin']);
    t.match(config.store, { kind: 'level', folder: container.volumeMounts[0]?.mountPath });
    t.throws(
      () => readConfig(environment(secret.stringData.token)),
      { code: 'config-invalid', message: /^ *- ADMIN_TOKEN must have/ },
      'as it stands it refuses to start',
    );
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'] as const) {
      const path = probe === 'readinessProbe' ? '/ready' : '/health';
      t.match(container[probe], { httpGet: { path, port: 'http' } }, probe);
    }
    t.match(container.image, /^[^/]+\.[^/]+\/.+:.+$/, 'a registry and a tag, to be replaced');
  },
);

t.test(
  'the manifest of several nodes: each pod has a name and an address of its own, and starts once its secrets are replaced',
  async (t) => {
    const objects = parseAllDocuments(read('docs/operations/kubernetes-nodes.yml')).map((document) => {
      if (document.errors.length > 0) throw document.errors[0];
      return document.toJS();
    });
    const named = (kind: string, name: string) =>
      objects.find((object) => object.kind === kind && object.metadata.name === name);
    const { spec } = named('StatefulSet', 'warren');
    const nodes: Container = spec.template.spec.containers[0];
    const { stringData } = named('Secret', 'warren-nodes');
    const secrets = { 'admin-token': TOKEN, 'node-token': TOKEN, 'redis-url': 'redis://redis:6379' };
    const environmentOf = (pod: Record<string, string>, secrets: Record<string, string>) =>
      Object.fromEntries(
        nodes.env
          .filter(({ name }) => !name.startsWith('POD_'))
          .map(({ name, value, valueFrom }) => {
            t.ok(KNOWN.has(name), name);
            if (valueFrom) return [name, secrets[`${valueFrom.secretKeyRef['key']}`]];
            return [name, value?.replace(/\$\((\w+)\)/g, (_, pod_field) => `${pod[pod_field]}`)];
          }),
      );
    t.strictSame(Object.keys(stringData), Object.keys(secrets));
    const pod = { POD_NAME: 'warren-1', POD_IP: '10.1.2.3' };
    const config = readConfig(environmentOf(pod, secrets));
    const port = (name: string) => nodes.ports.find((one) => one.name === name)?.containerPort;
    t.equal(config.instance, 'warren-1');
    t.match(config.node, { host: '10.1.2.3', port: port('nodes'), token: TOKEN });
    t.equal(config.serving.port, port('http'));
    t.equal(config.admin?.port, port('admin'));
    t.throws(() => readConfig(environmentOf(pod, stringData)), { code: 'config-invalid' });
    t.match(spec, { replicas: 3, serviceName: 'warren-nodes', podManagementPolicy: 'Parallel' });
    t.match(named('Service', 'warren-nodes').spec, { clusterIP: 'None', publishNotReadyAddresses: true });
    t.match(named('PodDisruptionBudget', 'warren-nodes').spec, { maxUnavailable: 1 });
    const { labels } = spec.template.metadata;
    for (const object of objects) {
      const selected = object.spec?.selector?.matchLabels ?? object.spec?.selector;
      if (selected) t.strictSame(selected, labels, object.kind);
    }
    t.match(nodes['readinessProbe'], { httpGet: { path: '/ready', port: 'http' } });
    t.match(nodes['livenessProbe'], { httpGet: { path: '/health', port: 'http' } });
    const [, seconds] = nodes['lifecycle'].preStop.exec.command;
    const { shutdownTimeoutMs } = config;
    t.ok(
      spec.template.spec.terminationGracePeriodSeconds * 1000 > Number(seconds) * 1000 + shutdownTimeoutMs,
    );
  },
);

t.test(
  'compose: three nodes that differ in name and address alone, and nginx passes requests to each',
  async (t) => {
    const compose = parse(read('docker-compose.yml'), { merge: true });
    const services = Object.entries(compose.services as Record<string, Fields>).filter(
      ([, { image }]) => image === 'warren',
    );
    t.equal(services.length, 3);
    for (const [name, { hostname, environment, profiles }] of services) {
      t.equal(hostname, name);
      t.strictSame(profiles, name === 'app' ? undefined : ['cluster']);
      const config = readConfig({ ...(environment as Record<string, string>), NODE_TOKEN: TOKEN });
      t.match(config, { instance: name, node: { host: name, port: 7080 }, store: { kind: 'redis' } });
    }
    const token = /\$\{NODE_TOKEN:-(.*)\}/.exec(compose['x-token'])?.[1];
    t.doesNotThrow(() =>
      readConfig({ ...(services[0]?.[1]['environment'] as Record<string, string>), NODE_TOKEN: `${token}` }),
    );
    const nginx = read('docs/operations/nginx-nodes.conf');
    const upstreams = [...nginx.matchAll(/^ *server (\w+):8080 /gm)].map(([, name]) => name);
    t.strictSame(
      upstreams,
      services.map(([name]) => name),
    );
    t.match(compose.services.nginx, { profiles: ['cluster'] });
    t.ok(compose.services.nginx.volumes[0].startsWith('./docs/operations/nginx-nodes.conf:'));
  },
);

t.test('Prometheus finds the pod, has its token, and names the job as the alerts do', async (t) => {
  const { spec } = parse(read('docs/operations/pod-monitor.yml'));
  const [endpoint] = spec.podMetricsEndpoints;
  t.strictSame(spec.selector.matchLabels, deployment.spec.template.metadata.labels);
  t.ok(container.ports.some(({ name }) => name === endpoint.port));
  const { name, key } = endpoint.authorization.credentials;
  t.equal(name, secret.metadata.name);
  t.ok(Object.hasOwn(secret.stringData, key));
  t.strictSame(
    container.env.find((variable) => variable.valueFrom)?.valueFrom?.secretKeyRef,
    endpoint.authorization.credentials,
  );
  t.strictSame(endpoint.relabelings, [{ targetLabel: 'job', replacement: 'warren' }]);
  t.match(read('docs/operations/alerts.yml'), 'up{job="warren"}');
});

t.test('the systemd unit starts a file of the package, with variables that exist', async (t) => {
  const unit = read('docs/operations/warren.service');
  const [, path = ''] = /^ExecStart=\/usr\/bin\/node .*\/lib\/node_modules\/warren\/(\S+)$/m.exec(unit) ?? [];
  const { files } = JSON.parse(read('package.json'));
  t.ok(existsSync(new URL(path, root)), path);
  t.ok(files.some((folder: string) => path.startsWith(`${folder}/`)));
  const names = [...unit.matchAll(/^Environment=(.*)$/gm)].flatMap(([, text = '']) =>
    // Unquoted assignments stand side by side; a quoted one is one, whatever is in it.
    (text.startsWith('"') ? [text.slice(1)] : text.split(' ')).map(
      (assignment) => `${assignment.split('=')[0]}`,
    ),
  );
  t.ok(names.includes('DATA_DIR'));
  for (const name of names) t.ok(KNOWN.has(name) || NODES_OWN.includes(name), name);
});

t.test('unit and container give the main thread the same heap', async (t) => {
  const options = (text: string) => /"(?:NODE_OPTIONS=)?(--max[^"]+)"/.exec(text)?.[1];
  t.ok(options(read('Dockerfile')));
  t.equal(options(read('docs/operations/warren.service')), options(read('Dockerfile')));
});

t.test('the snippets of the runbook parse, and set nothing unknown', async (t) => {
  const snippets = [...read('docs/operations/runbook.md').matchAll(/```yaml\n([\s\S]*?)```/g)].map(
    ([, text = '']) => parse(text),
  );
  const compose = snippets.find((snippet) => snippet.services);
  for (const name of Object.keys(compose.services.app.environment)) t.ok(KNOWN.has(name), name);
  t.strictSame(compose.services.app.ports, ['127.0.0.1:9090:9090'], 'published to this machine alone');
  t.hasProp(parse(read('docker-compose.yml')).services, 'app');
  const scraping = snippets.find((snippet) => snippet.scrape_configs);
  t.equal(scraping.scrape_configs[0].job_name, 'warren');
});

t.test(
  'every `docker run` in the documents has the limits of the container test, and mounts what the image reads',
  async (t) => {
    const folder = /^ *DATA_DIR=(\S+)$/m.exec(read('Dockerfile'))?.[1];
    let found = 0;
    for (const document of documents()) {
      for (const [command] of read(document).matchAll(/^docker run (?:.*\\\n)*.*$/gm)) {
        found += 1;
        t.match(command, '--restart always --init --memory 512m --memory-swap 512m --cpus 1', document);
        t.match(command, new RegExp(`-v \\w+:${folder} `), document);
        const [, mounted] = /-v "\$PWD":(\S+):ro/.exec(command) ?? [];
        if (mounted) t.match(command, `-e ACTORS=${mounted}/`, document);
      }
    }
    t.ok(found >= 2);
  },
);
