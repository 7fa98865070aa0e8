import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Exchange } from '../../src/exchange/exchange.ts';
import { Injection } from '../../src/exchange/injection.ts';
import { ask, closing, proxyInjecting } from '../faults/faulty.ts';
import { request } from '../rules/rule-set.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('the marks of an injected answer', () => {
  it('have the name of the rule, even if it is the name of its faults', async () => {
    const fault = "{ delay: 1ms, error: { code: InternalError, at: 'body:11B' } }";
    const { port, proxy } = await proxyInjecting(fault, { name: 'delay+error', upstream: OK });
    const { headers } = await ask(port, `${closing('PUT /b/k', 'Content-Length: 2')}ab`);
    expect(headers).toContain('x-brownout-rule: delay+error');
    expect(headers).toContain('x-brownout-fault: delay');
    expect(proxy.journal.entries()).toMatchObject([
      { outcome: 'injected', rule: 'delay+error', fault: 'delay', code: undefined },
    ]);
  });

  it('are left out if all faults were skipped', async () => {
    const { port } = await proxyInjecting("{ stall: 'response:3B' }", { name: 'stall', upstream: OK });
    expect((await ask(port, closing('GET /b/k'))).headers.join('\n')).not.toContain('x-brownout');
  });
});

describe('an injection', () => {
  const injection = (mark?: string) =>
    new Injection({
      provider: 'aws-s3',
      settings: {},
      rule: 'r',
      label: 'r',
      faults: [
        { kind: 'delay', code: undefined },
        { kind: 'error', code: 'SlowDown' },
      ],
      roll: () => 0,
      mark,
    });

  it('loses its code only with the fault that has the code', () => {
    const first = injection('r');
    first.skip('delay');
    expect([first.fault, first.code]).toEqual(['error', 'SlowDown']);
    const second = injection('r');
    second.skip('error');
    expect([second.fault, second.code]).toEqual(['delay', undefined]);
    expect(second.marks()).toEqual(['x-brownout-rule', 'r', 'x-brownout-fault', 'delay']);
  });

  it('has no kinds, no code and no marks without a fault', () => {
    const none = injection('r');
    none.skip();
    expect([none.fault, none.code, none.marks()]).toEqual([undefined, undefined, []]);
  });

  it('leaves no mark in stealth', () => {
    expect(injection().marks()).toEqual([]);
  });
});

describe('an exchange that is aborted', () => {
  const exchange = () => {
    const message = new IncomingMessage(new Socket());
    return new Exchange({
      request: message,
      response: new ServerResponse(message),
      facts: request('GET /b/k'),
      attempt: undefined,
      startedAt: 0,
      arrival: 1,
      awaitsContinue: false,
    });
  };

  it('calls each registered callback that was not unsubscribed, once', () => {
    const left = exchange();
    const stopped: string[] = [];
    left.onAbort(() => stopped.push('one'));
    const forget = left.onAbort(() => stopped.push('two'));
    left.onAbort(() => stopped.push('three'));
    forget();
    left.handleClose();
    left.uploadAborted();
    expect(stopped).toEqual(['one', 'three']);
  });
});
