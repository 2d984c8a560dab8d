/** The routes that the main thread answers without the owner: `/health`, `/ready` and `/openapi.json`. */
import type { ProblemCode } from '../errors.js';
import { endWithDocument, endWithJson, endWithProblem } from './answers.js';
import { jsonResponse, objectSchema, problemResponses } from './openapi.js';
import type { ResponseContext } from './response-context.js';
import { type Fields, type Handler, HEAD_PROBLEMS, type Method, type Route } from './route.js';

export interface FrontRoutesOptions {
  readonly context: ResponseContext;
  readonly healthy: () => boolean;
  readonly ready: () => boolean;
  /** What `/openapi.json` answers. */
  readonly description: () => Buffer;
}

export function frontRoutes({ context, healthy, ready, description }: FrontRoutesOptions): Route[] {
  const state = (path: string, word: string, summary: string, well: () => boolean): Route => {
    const body = `{"status": "${word}"}`;
    const handler = (method: Method): Handler => {
      const withBody = method !== 'HEAD';
      return (res, request, counts) => {
        if (well()) endWithJson(res, body, context, withBody, counts, request);
        else endWithProblem(res, 'not-ready', context, withBody, counts, request);
      };
    };
    const problems = [...HEAD_PROBLEMS, 'not-ready'] as const;
    return route(path, true, summary, objectSchema({ status: { const: word } }), problems, handler);
  };
  const describe = (method: Method): Handler => {
    return (res, request, counts) =>
      endWithDocument(res, description(), context, method !== 'HEAD', counts, request);
  };
  const document = { type: 'object', required: ['openapi', 'paths'] };
  return [
    state('/health', 'healthy', 'Whether the front and the owner thread turn', healthy),
    state('/ready', 'ready', 'Whether requests are answered now', ready),
    route('/openapi.json', false, 'This description', document, [...HEAD_PROBLEMS, 'unauthorized'], describe),
  ];
}

function route(
  path: string,
  open: boolean,
  summary: string,
  schema: Fields,
  problems: readonly ProblemCode[],
  handler: Route['handler'],
): Route {
  const operation = (method: Method): Fields => ({
    operationId: `${method.toLowerCase()}-${path.slice(1).replace('.', '-')}`,
    summary,
    parameters: [{ $ref: '#/components/parameters/requestId' }],
    responses: {
      '200': jsonResponse(summary, method, schema),
      ...problemResponses(problems, method),
    },
  });
  return { path, actor: '', methods: ['GET', 'HEAD'], open, readsBody: false, problems, handler, operation };
}
