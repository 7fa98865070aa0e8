import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import draft7 from 'ajv/dist/refs/json-schema-draft-07.json' with { type: 'json' };
import formats from 'ajv-formats';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ROUTES } from '../../src/admin/server.ts';
import { OUTCOMES } from '../../src/exchange/outcome.ts';
import { type Operator, operator, SLOW } from './operator.ts';

const schema = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../schema/${name}`, import.meta.url), 'utf8'));
const document = schema('admin-api.openapi.json');

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { $ref?: string; in?: string; name?: string }[];
  readonly requestBody?: unknown;
  readonly security?: unknown;
  readonly responses: Readonly<Record<string, { $ref?: string }>>;
}

/** Operations by `GET /rules`. */
const operations = new Map<string, Operation>();
for (const [path, item] of Object.entries<Record<string, Operation>>(document.paths)) {
  for (const [method, operation] of Object.entries(item)) {
    if (method !== 'parameters') operations.set(`${method.toUpperCase()} ${path}`, operation);
  }
}

const resolved = (pointer: string) =>
  pointer
    .slice(2)
    .split('/')
    .reduce((part, step) => part[step], document);

describe('schema/admin-api.openapi.json', () => {
  it('is OpenAPI 3.1', async () => {
    const validator = new Validator();
    await validator.addSpecRef(schema('rules.schema.json'), 'rules.schema.json');
    const result = await validator.validate(structuredClone(document));
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
    expect(document.openapi).toMatch(/^3\.1\./);
  });

  it('lists every outcome', () => {
    expect(document.components.schemas.Outcome.enum).toEqual(OUTCOMES);
  });

  it('lists exactly the methods and paths of the routes', () => {
    const there = ROUTES.map(({ method, path }) => `${method} ${path}`);
    expect([...operations.keys()].sort()).toEqual(there.sort());
    const ids = [...operations.values()].map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(ROUTES)('describes the input of $method $path', (route) => {
    const { method, path, query = [], takesBody, isOpen, isPublic } = route;
    const operation = operations.get(`${method} ${path}`);
    const parameters = (operation?.parameters ?? []).map((each) => (each.$ref ? resolved(each.$ref) : each));
    expect(parameters.filter((each) => each.in === 'query').map(({ name }) => name)).toEqual(query);
    expect(operation?.requestBody !== undefined).toBe(takesBody === true);
    const mayNeedToken = !isOpen && !isPublic;
    expect(operation?.security !== undefined).toBe(mayNeedToken);
    expect(operation?.responses['401'] !== undefined).toBe(mayNeedToken);
    const inPath = (document.paths[path].parameters ?? []).map((each: { $ref?: string }) =>
      each.$ref ? resolved(each.$ref) : each,
    );
    expect(inPath.map(({ name }: { name: string }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
  });
});

const ajv = new Ajv2020({ strict: false, allErrors: true });
formats.default(ajv);
ajv.addMetaSchema(draft7);
ajv.addSchema(schema('rules.schema.json'), 'https://brownout.test/rules.schema.json');
ajv.addSchema(document, 'https://brownout.test/openapi.json');

/** Finds the description of an answer; throws if there is none. */
function described(route: string, response: Response): { pointer: string; type: string } {
  const operation = operations.get(route);
  const status = String(response.status);
  if (!operation?.responses[status]) throw new Error(`${route} is not described as answering ${status}`);
  const [, path = ''] = route.split(' ');
  const method = route.split(' ')[0]?.toLowerCase();
  const ref = operation.responses[status].$ref;
  const own = `#/paths/${path.replaceAll('/', '~1').replaceAll('{', '%7B').replaceAll('}', '%7D')}/${method}/responses/${status}`;
  const [type = ''] = (response.headers.get('content-type') ?? '').split(';');
  return { pointer: `${ref ?? own}/content/${type.replace('/', '~1')}/schema`, type };
}

/** Sends a request and checks the answer against its description. Returns route and status. */
async function checkAnswer(
  { ask }: Operator,
  route: string,
  path: string,
  init: RequestInit = {},
): Promise<string> {
  const [method = ''] = route.split(' ');
  const response = await ask(path, { ...init, method });
  const text = await response.text();
  const { pointer, type } = described(route, response);
  if (response.status === 204) {
    expect([text, type]).toEqual(['', '']);
    return `${route} ${response.status}`;
  }
  const validate = ajv.getSchema(`https://brownout.test/openapi.json${pointer}`);
  if (!validate) throw new Error(`${route} is not described as answering ${response.status} with ${type}`);
  validate(type.endsWith('json') && !type.endsWith('ndjson') ? JSON.parse(text) : text);
  expect([route, response.status, validate.errors ?? [], text]).toEqual([route, response.status, [], text]);
  return `${route} ${response.status}`;
}

const yaml = (body: string) => ({ body, headers: { 'Content-Type': 'application/yaml' } });
const ADDED = SLOW.replace('name: slow', 'name: added');
const PLAN =
  '{ key: { bucket: mine }, provider: aws-s3, plan: { PutObject: [SlowDown, forward, { delay: 1ms }] } }';

describe('every answer is as described', () => {
  it('by a proxy without a token', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'brownout-admin-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'slow.yaml');
    writeFileSync(file, SLOW);
    const admin = await operator({ rules: [file] });
    const answered: string[] = [];
    const step = async (route: string, path = route.split(' ')[1] ?? '', init?: RequestInit) => {
      answered.push(await checkAnswer(admin, route, path, init));
    };
    await step('GET /rules');
    await step('POST /rules', '/rules', yaml(ADDED));
    await step('POST /rules', '/rules', yaml('rules: 1'));
    await step('POST /rules', '/rules', yaml('x'.repeat(1024 ** 2 + 1)));
    await step('POST /rules', '/rules', { body: 'a=b', headers: { 'Content-Type': 'text/plain' } });
    await step('POST /rules/reload');
    writeFileSync(file, SLOW.replace('fault:', 'falt:'));
    await step('POST /rules/reload');
    await step('GET /rules');
    rmSync(file);
    await step('POST /rules/reload');
    await step('GET /rules');
    await step('GET /rules/{name}', '/rules/added');
    await step('GET /rules/{name}', '/rules/adde');
    await step('PUT /rules/{name}', '/rules/slow', yaml(SLOW.replace('SlowDown', 'InternalError')));
    await step('PUT /rules/{name}', '/rules/slow', yaml(ADDED));
    await step('PUT /rules/{name}', '/rules/slo', yaml(SLOW));
    for (const verb of ['disable', 'enable']) {
      await step(`POST /rules/{name}/${verb}`, `/rules/added/${verb}`);
      await step(`POST /rules/{name}/${verb}`, `/rules/nobody/${verb}`);
    }
    await step('GET /rules');
    await step('POST /sessions', '/sessions', yaml(PLAN));
    await step('POST /sessions', '/sessions', yaml(PLAN));
    await step('POST /sessions', '/sessions', yaml('key: 1'));
    await admin.exchange('PUT', '/mine/k');
    await admin.exchange('PUT', '/b/k?partNumber=1&uploadId=u');
    await admin.exchange('GET', '/b/k');
    await step('GET /sessions');
    const { body } = await admin.json('/sessions');
    await step('GET /sessions/{id}', `/sessions/${body.sessions[0].id}`);
    await step('GET /sessions/{id}', '/sessions/none');
    await step('GET /journal');
    await step('GET /journal', '/journal?outcome=injected', { headers: { Accept: 'application/x-ndjson' } });
    await step('GET /journal', '/journal?outcome=broken');
    await step('GET /journal/{id}', '/journal/1');
    await step('GET /journal/{id}', '/journal/2');
    await step('GET /journal/{id}', '/journal/99');
    await step('DELETE /journal');
    await step('DELETE /sessions/{id}', `/sessions/${body.sessions[0].id}`);
    await step('DELETE /sessions/{id}', '/sessions/none');
    await step('DELETE /rules/{name}', '/rules/added');
    await step('DELETE /rules/{name}', '/rules/added');
    await step('GET /seed');
    await step('PUT /seed', '/seed', {
      body: '{"seed":"x"}',
      headers: { 'Content-Type': 'application/json' },
    });
    await step('PUT /seed', '/seed', { body: 'x', headers: { 'Content-Type': 'application/json' } });
    await step('POST /reset');
    await step('GET /catalog');
    for (const { name } of (await admin.json('/catalog')).body.providers) {
      await step('GET /catalog/{provider}', `/catalog/${name}`);
    }
    await step('GET /catalog/{provider}', '/catalog/s3');
    await step('GET /catalog/{provider}/{code}', '/catalog/aliyun-oss/CallbackFailed');
    await step('GET /catalog/{provider}/{code}', '/catalog/aws-s3/SlowDwon');
    for (const path of ['/healthz', '/readyz', '/metrics', '/openapi.json', '/rules.schema.json']) {
      await step(`GET ${path}`);
    }
    for (const route of ROUTES) {
      if (route.isOpen) continue;
      const name = `${route.method} ${route.path}`;
      const path = route.path.replaceAll(/\{\w+\}/g, 'x');
      await step(name, path, { headers: { Origin: 'http://elsewhere.example' } });
    }
    const successes = [...operations].flatMap(([of, { responses }]) =>
      Object.keys(responses).flatMap((status) => (status.startsWith('2') ? [`${of} ${status}`] : [])),
    );
    expect(successes.filter((each) => !answered.includes(each))).toEqual([]);
    // Every other described failure happened, but those that need a token or a thousand sessions.
    const failures = [...operations].flatMap(([of, { responses }]) =>
      Object.keys(responses).flatMap((status) => (/^4(?!01|13|15)/.test(status) ? [`${of} ${status}`] : [])),
    );
    expect(failures.filter((each) => !answered.includes(each))).toEqual([]);
  });

  it('by a proxy with a token', async () => {
    const admin = await operator({ adminToken: 'a-token-of-some-length' });
    for (const { method, path } of ROUTES.filter((route) => route.method !== 'GET')) {
      await checkAnswer(admin, `${method} ${path}`, path.replaceAll(/\{\w+\}/g, 'x'));
    }
  });

  it('and the description is served beside the schema that it refers to', async () => {
    const { json } = await operator();
    expect((await json('/openapi.json')).body).toEqual(document);
    expect((await json('/rules.schema.json')).body).toEqual(schema('rules.schema.json'));
  });
});
