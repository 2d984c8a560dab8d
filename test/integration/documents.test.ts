/** The pages that show commands are carried out, block by block, against the packed package. */
import t from 'tap';
import { PageRunner } from '../docs/page-runner.js';
import { packedProject } from '../support/packed-project.js';

const project = await packedProject(t);

t.test('every command of the README does what it says', async (t) => {
  t.ok((await new PageRunner(t, project).run('README.md')) > 9);
});

t.test('the tutorial leads from nothing to a service that survives a kill', async (t) => {
  t.ok((await new PageRunner(t, project).run('docs/tutorial.md')) > 9);
});

t.test('the guides do what they say', async (t) => {
  t.ok((await new PageRunner(t, project).run('docs/guides/actors.md')) > 4);
  for (const [page, command] of [
    ['exactly-once', 'npx warren serve tickets.mjs'],
    ['reading-and-editing', 'npx warren serve tickets.mjs'],
    ['observing', 'npx warren serve'],
  ] as const) {
    const runner = new PageRunner(t, project);
    await runner.serve(command);
    t.ok((await runner.run(`docs/guides/${page}.md`)) > 0, page);
  }
});
