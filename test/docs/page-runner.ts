/**
 * Carries out a page of the documents from its first block to its last, as a reader would, in a project that has the packed package installed.
 *
 *   ```js title=NAME    becomes the file NAME
 *   ```sh background    its last line is `npx warren serve …`: starts the server, again on the same data if the line was there before
 *   ```sh kill          kills the server with SIGKILL
 *   ```sh install       left out: the package is installed already
 *   ```sh container     left out: `test/container` has an engine
 *   ```sh               must succeed
 *   ```console          each line behind `$ ` is a command, the lines below it are what it prints; `…` stands for anything
 *
 * The pages say port 8080 and 9090; the runner puts the server's own addresses in their place.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Test } from 'tap';
import { ChildHandle } from '../support/child-handle.js';
import { pause } from '../support/pause.js';
import { startWarren, type WarrenProcess } from '../support/warren-process.js';
import { type Block, blocksOf, read } from './markdown.js';

/** The shell's `npx` is the installed program: npm itself would take a second for each call. */
const NPX = `#!/bin/sh
[ "$1" = warren ] || exit 64
shift
exec "$PROJECT/node_modules/.bin/warren" "$@"
`;
const LEFT_OUT = ['install', 'container'];

export class PageRunner {
  readonly #t: Test;
  readonly #project: string;
  #data = '';
  #warren: WarrenProcess | undefined;
  #command = '';

  /** @param project a folder from `packedProject`. */
  constructor(t: Test, project: string) {
    this.#t = t;
    this.#project = project;
    mkdirSync(join(project, 'bin'), { recursive: true });
    writeFileSync(join(project, 'bin/npx'), NPX, { mode: 0o755 });
  }

  /** @returns how many blocks were carried out. */
  async run(page: string): Promise<number> {
    let done = 0;
    for (const block of blocksOf(read(page))) if (await this.#carryOut(block)) done += 1;
    await this.#warren?.stop();
    return done;
  }

  /** Starts the server, on the data of the one before when it is the same command. */
  async serve(command: string): Promise<void> {
    if (this.#warren?.running) this.#t.equal(await this.#warren.stop(), 0);
    if (this.#warren && command === this.#command) {
      this.#warren = await this.#warren.again();
      return;
    }
    this.#command = command;
    const [, args = ''] = /^npx warren (serve.*)$/m.exec(command) ?? [];
    const entry = pathToFileURL(join(this.#project, 'node_modules/.bin/warren'));
    const files = args.split(/ +#| /, 2).map((arg) => (arg.endsWith('js') ? join(this.#project, arg) : arg));
    this.#data = join(this.#project, `data-${randomUUID()}`);
    const env = { ADMIN_HOST_PORT: '127.0.0.1:0', DATA_DIR: this.#data };
    this.#warren = await startWarren(this.#t, { entry, args: files, env });
    while ((await fetch(`${this.#warren.url}/ready`)).status !== 200) await pause();
  }

  async #carryOut({ language, info, code }: Block): Promise<boolean> {
    const [, title] = /^title=(\S+)$/.exec(info) ?? [];
    if (title) writeFileSync(join(this.#project, title), code);
    else if (language === 'console') await this.#session(code);
    else if (language !== 'sh' || LEFT_OUT.includes(info)) return false;
    else if (info === 'background') await this.serve(code.trim());
    else if (info === 'kill') await this.#kill();
    else await this.#shell(code);
    return true;
  }

  async #session(text: string): Promise<void> {
    for (const part of text.split(/^\$ /m).slice(1)) {
      const end = part.indexOf('\n');
      const expected = part.slice(end + 1).trimEnd();
      const printed = (await this.#shell(part.slice(0, end))).trimEnd();
      const pattern = expected.split('…').map(escaped).join('[^]*');
      this.#t.match(printed, new RegExp(`^${pattern}$`), part.slice(0, end));
    }
  }

  async #shell(lines: string): Promise<string> {
    const { url, admin } = this.#addresses();
    const command = lines.replaceAll('localhost:8080', url).replaceAll('127.0.0.1:9090', admin);
    const env = {
      PATH: `${this.#project}/bin:${process.env['PATH']}`,
      PROJECT: this.#project,
      DATA_DIR: this.#data,
      ADMIN_HOST_PORT: admin,
      WARREN: `http://${url}`,
    };
    const args = ['-ec', command.replace(/^curl /gm, 'curl -sS ')];
    const child = await ChildHandle.spawn({ command: '/bin/sh', args, env, cwd: this.#project });
    const { code } = await child.exited;
    this.#t.equal(code, 0, `${lines}\n${child.output}`);
    return child.output;
  }

  #addresses(): { url: string; admin: string } {
    if (!this.#warren) return { url: 'localhost:8080', admin: '127.0.0.1:9090' };
    return { url: new URL(this.#warren.url).host, admin: new URL(this.#warren.adminUrl).host };
  }

  async #kill(): Promise<void> {
    this.#warren?.kill('SIGKILL');
    await this.#warren?.exited;
    await this.serve(this.#command);
  }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
