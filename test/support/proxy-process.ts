/**
 * A real nginx or HAProxy in front of a server, run from the files of `docs/operations` as they are, but for the addresses. A private one:
 * a port and a folder of its own, ended with the test.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChildHandle, type Scope } from './child-handle.js';
import { freePort } from './free-port.js';
import { get } from './http-client.js';

const READY_MS = 60_000;

interface Kind {
  readonly file: string;
  /** The servers that the file names. */
  readonly upstreams: readonly string[];
  /** What is left out. */
  readonly left?: RegExp;
  /** Where the file listens, and what goes in its place. */
  readonly listen: readonly [text: string, withPort: (port: number) => string];
  command(folder: string, configuration: string): Promise<readonly [command: string, ...args: string[]]>;
}

const NGINX = {
  file: 'nginx.conf',
  upstreams: ['127.0.0.1:8080'],
  listen: ['listen 8000;', (port) => `listen 127.0.0.1:${port};`],
  command: async (folder, configuration) => {
    await writeFile(join(folder, 'warren.conf'), configuration);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${folder}/${name};`)
      .join(' ');
    await writeFile(
      join(folder, 'nginx.conf'),
      `daemon off; master_process off; pid ${folder}/pid; error_log stderr warn; events { }\n` +
        `http { access_log off; ${temporary} include ${folder}/warren.conf; }\n`,
    );
    return ['nginx', '-p', folder, '-c', `${folder}/nginx.conf`, '-e', 'stderr'];
  },
} as const satisfies Kind;

const KINDS = {
  nginx: NGINX,
  'nginx-nodes': {
    ...NGINX,
    file: 'nginx-nodes.conf',
    upstreams: ['app:8080', 'node2:8080', 'node3:8080'],
    // Addresses are not looked up, and nginx before 1.27.3 does not know the word.
    left: / resolve(?=;)/g,
  },
  haproxy: {
    file: 'haproxy.cfg',
    upstreams: ['127.0.0.1:8080'],
    listen: ['bind :8000', (port) => `bind 127.0.0.1:${port}`],
    command: async (folder, configuration) => {
      await writeFile(join(folder, 'haproxy.cfg'), configuration);
      return ['haproxy', '-db', '-f', `${folder}/haproxy.cfg`];
    },
  },
} as const satisfies Record<string, Kind>;

export type ProxyName = keyof typeof KINDS;

/** Starts the proxy, and waits until it passes requests on. @param ports of the servers, as many as the file names. */
export async function startProxy(
  scope: Scope,
  name: ProxyName,
  ...ports: readonly number[]
): Promise<{ port: number; url: string }> {
  const { file, upstreams, left, listen, command }: Kind = KINDS[name];
  const folder = await mkdtemp(join(tmpdir(), `warren-${name}-`));
  scope.teardown(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  const text = await readFile(new URL(`../../../docs/operations/${file}`, import.meta.url), 'utf8');
  let configuration = replaced(left ? text.replace(left, '') : text, listen[0], listen[1](port));
  for (const [at, upstream] of upstreams.entries())
    configuration = replaced(configuration, upstream, `127.0.0.1:${ports[at]}`);
  const [program, ...args] = await command(folder, configuration);
  const child = await ChildHandle.spawn({ command: program, args, env: {} });
  scope.teardown(async () => void (await child.end()));
  const url = `http://127.0.0.1:${port}`;
  const giveUp = performance.now() + READY_MS;
  for (;;) {
    const status = await get(url, '/ready').then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200) return { port, url };
    if (!child.running || performance.now() > giveUp)
      throw new Error(`${name} passes nothing on: ${child.output}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function replaced(text: string, what: string, by: string): string {
  if (!text.includes(what)) throw new Error(`no ${what} in the file`);
  return text.replace(what, by);
}
