/** The description of the public port: valid as OpenAPI 3.1, and complete. */
import { Validator } from '@seriousme/openapi-schema-validator';
import t from 'tap';
import { PROBLEMS } from '../../../src/errors.js';
import { actorRoutes } from '../../../src/http/actor-routes.js';
import { frontRoutes } from '../../../src/http/front-routes.js';
import { openApi } from '../../../src/http/openapi.js';
import type { ResponseContext } from '../../../src/http/response-context.js';
import { sequenceRoutes } from '../../../src/residents/fibonacci/routes.js';
import { checkDefinitions } from '../../../src/runtime/definition.js';
import type { OwnerHandle } from '../../../src/runtime/front/owner-handle.js';
import counter from '../../support/fixtures/counter-actor.js';

const context = {} as ResponseContext;
const routes = [
  ...frontRoutes({ context, healthy: () => true, ready: () => true, description: () => Buffer.alloc(0) }),
  ...sequenceRoutes(() => () => {}),
  ...actorRoutes(checkDefinitions([{ place: 'counter-actor', exported: counter }]), {
    mailbox: {} as OwnerHandle,
    context,
    bodyLimit: 1,
  }),
];
const document = JSON.parse(JSON.stringify(openApi('1.2.3', routes)));

t.test('the description is valid OpenAPI 3.1', async (t) => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(document));
  t.ok(valid, JSON.stringify(errors));
  t.equal(validator.version, '3.1');
  t.equal(document.info.version, '1.2.3');
});

t.test('the validator finds a mistake', async (t) => {
  const broken = structuredClone(document);
  delete broken.paths['/next'].get.responses['200'].description;
  t.notOk((await new Validator().validate(broken)).valid);
});

t.test('every problem is documented at some route, but for those of no route', async (t) => {
  const documented = new Set<string>(routes.flatMap(({ problems }) => problems));
  t.strictSame(
    Object.keys(PROBLEMS).filter((code) => !documented.has(code)),
    ['not-found', 'method-not-allowed', 'misdirected'],
  );
});

t.test('every operation has a name of its own', async (t) => {
  const names = Object.values(
    document.paths as Record<string, Record<string, { operationId: string }>>,
  ).flatMap((item) => Object.values(item).map(({ operationId }) => operationId));
  t.ok(names.length > routes.length);
  t.equal(new Set(names).size, names.length);
});
