import { describe, expect, it } from 'vitest';
import { loadProvider, providerNames } from '../../src/catalog/catalog.ts';
import { requestSigns } from '../../src/catalog/request-signs.ts';
import { factsOf } from '../../src/request/facts.ts';
import { eventually, type ProxyOptions } from '../support/proxy.ts';
import type { RawAnswer } from '../support/raw.ts';
import { OK } from '../support/through.ts';
import { ask, closing, faultyProxy, injecting, proxyInjecting } from './faulty.ts';

const FORMS: Readonly<Record<string, { form: RegExp; time?: (id: string) => number }>> = {
  'aliyun-oss': {
    form: /^[0-9A-F]{18}FA11ED$/,
    time: (id) => Number.parseInt(id.slice(0, 8), 16) * 1000,
  },
  'aws-s3': { form: /^[0-9A-HJKMNP-TV-Z]{10}FA11ED$/ },
  'huawei-obs': { form: /^[0-9A-F]{26}FA11ED$/, time: (id) => Number.parseInt(id.slice(0, 16), 16) },
  'jd-jss': { form: /^[0-9A-F]{10}FA11ED$/ },
  'oss-classic': {
    form: /^[0-9A-F]{18}FA11ED$/,
    time: (id) => Number.parseInt(id.slice(0, 8), 16) * 1000,
  },
};

const inBody = (body: string) => /(?:<RequestId>|"requestId":")([^<"]*)/.exec(body)?.[1];
const inHead = ({ headers }: RawAnswer) =>
  headers.find((line) => /^x-(?:oss|amz|obs|jss)-request-id:/.test(line))?.split(': ')[1];

/** What the id of an error is at each place where it stands. */
async function ids(settings: string, provider: string, line = 'PUT /b/k', options: ProxyOptions = {}) {
  const upstream = (socket: NodeJS.WritableStream & NodeJS.ReadableStream) =>
    void socket.once('data', () => socket.write(OK));
  const { port, proxy } = await faultyProxy(settings, { ...options, provider, upstream });
  const request = closing(line, ...(line.startsWith('HEAD') ? [] : ['Content-Length: 2']));
  const answer = await ask(port, line.startsWith('HEAD') ? request : `${request}hi`);
  await eventually('the exchange is over', () => proxy.journal.count === 1);
  return {
    answer,
    head: inHead(answer),
    body: inBody(answer.body),
    journal: proxy.journal.entries()[0]?.requestId,
  };
}

describe.each(providerNames())('the request id of an injected error of %s', (provider) => {
  const { form, time } = FORMS[provider]!;
  const code = loadProvider(provider).entries.find(({ status, stored }) => status >= 400 && !stored)!.code;

  it.each(['headers', '"body:end"', 'commit', 'embedded'])(
    'at %s has the form of the provider and the time, ends in FA11ED, and is the same everywhere',
    async (at) => {
      const before = Date.now();
      const { head, body, journal } = await ids(`{ code: ${code}, at: ${at} }`, provider);
      expect(head).toMatch(form);
      expect([body, journal]).toEqual([head, head]);
      if (time === undefined) return;
      expect(time(head ?? '')).toBeGreaterThanOrEqual(before - 1000);
      expect(time(head ?? '')).toBeLessThanOrEqual(Date.now());
    },
  );

  it('is in the head of an answer to HEAD, and in its document if there is one', async () => {
    const { answer, head, journal } = await ids(code, provider, 'HEAD /b/k');
    expect(head).toMatch(form);
    expect(journal).toBe(head);
    const document = answer.headers
      .find((line) => line.startsWith('x-oss-err: '))
      ?.slice('x-oss-err: '.length);
    if (document !== undefined) expect(inBody(Buffer.from(document, 'base64').toString())).toBe(head);
  });

  it('ends in the same way in the preview of explain', () => {
    const [rule] = injecting(code, provider).rules;
    const facts = factsOf({ method: 'PUT', target: '/b/k', headers: {}, client: '' }, {}, requestSigns());
    const document = rule?.faults[0]?.preview?.(facts);
    expect(document?.requestId).toMatch(form);
    expect(inBody(document?.body.toString() ?? '')).toBe(document?.requestId);
  });

  it('looks like any other under --stealth', async () => {
    const { head, body } = await ids(code, provider, 'PUT /b/k', { stealth: true });
    expect(head).not.toMatch(/FA11ED$/);
    expect(`${head?.slice(0, -6)}FA11ED`).toMatch(form);
    expect(body).toBe(head);
  });
});

describe('the request id of an answer', () => {
  it('is the same in the XML and the JSON of JD', async () => {
    const { head, body } = await ids('{ code: SlowDown, format: xml }', 'jd-jss');
    expect(head).toMatch(/^[0-9A-F]{10}FA11ED$/);
    expect(body).toBe(head);
  });

  it('stays the upstream’s in an answer with keys that partial lets fail', async () => {
    const document = '<DeleteResult><Deleted><Key>a</Key></Deleted></DeleteResult>';
    const upstream = `HTTP/1.1 200 OK\r\nx-amz-request-id: REAL\r\nContent-Length: ${document.length}\r\n\r\n${document}`;
    const { port, proxy } = await proxyInjecting('{ partial: { count: 1 } }', { upstream });
    const body = '<Delete><Object><Key>a</Key></Object></Delete>';
    const answer = await ask(port, closing('POST /b?delete', `Content-Length: ${body.length}`) + body);
    expect(answer.body).toContain('<Error><Key>a</Key><Code>InternalError</Code>');
    expect(answer.headers).toEqual(
      expect.arrayContaining(['x-amz-request-id: REAL', 'x-brownout-fault: partial']),
    );
    await eventually('the exchange is over', () => proxy.journal.count === 1);
    expect(proxy.journal.entries()[0]?.requestId).toBeUndefined();
  });

  it('is not marked in an answer of brownout that is not injected', async () => {
    const { port } = await faultyProxy('{ code: SlowDown, at: commit }', {
      upstream: (socket) => socket.once('data', () => socket.destroy()),
    });
    const answer = await ask(port, closing('GET /b/k'));
    expect(answer.statusLine).toMatch(/ 502 /);
    expect(inHead(answer)).toMatch(/^[0-9A-Z]{16}$/);
    expect(inHead(answer)).not.toMatch(/FA11ED$/);
  });
});
