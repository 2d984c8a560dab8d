/** The description of the public port: valid as OpenAPI 3.1, and complete. */
import { Validator } from '@seriousme/openapi-schema-validator';
import t from 'tap';
import { PROBLEMS } from '../../../src/errors.js';
import { ACTOR_PROBLEMS } from '../../../src/http/actor-openapi.js';
import { openApi } from '../../../src/http/openapi.js';
import { ROUTES } from '../../../src/http/routes.js';

const document = JSON.parse(JSON.stringify(openApi('1.2.3')));

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
  const documented = new Set<string>([...ROUTES.flatMap(({ problems }) => problems), ...ACTOR_PROBLEMS]);
  const ofNoRoute = ['not-found', 'method-not-allowed'];
  t.strictSame(
    Object.keys(PROBLEMS).filter((code) => !documented.has(code)),
    ofNoRoute,
  );
});

t.test('every operation has a name of its own', async (t) => {
  const names = ROUTES.flatMap(({ path, methods }) =>
    methods.map((method) => document.paths[path][method.toLowerCase()].operationId),
  );
  t.equal(new Set(names).size, names.length);
});
