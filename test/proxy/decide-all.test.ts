import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Exchange } from '../../src/exchange/exchange.ts';
import { decideAll } from '../../src/proxy/decide-all.ts';
import { HeaderFaults } from '../../src/proxy/header-faults.ts';
import { RuleSet } from '../../src/rules/decide.ts';
import { Sessions } from '../../src/sessions/sessions.ts';
import { oneRule, request } from '../rules/rule-set.ts';

const FAULT = { 'x-brownout-fault': 'InternalError' };

const noPorts = { areClosing: false, open: () => Promise.reject(new Error('no ports')), close: () => {} };

/** Deciders: a session that answers two GetObject, and a rule that slows down every request. */
async function deciders({ rules = oneRule({}) } = {}) {
  const sessions = new Sessions(noPorts, 'aws-s3');
  onTestFinished(() => sessions.endAll());
  const session = await sessions.open({ key: { bucket: 'b' }, plan: { GetObject: ['AccessDenied'] } });
  return { headerFaults: new HeaderFaults('aws-s3'), sessions, rules: () => rules, session };
}

/** Makes an exchange before it is decided on. */
function exchangeFor(line: string, headers: Record<string, string> = {}): Exchange {
  const message = new IncomingMessage(new Socket());
  message.rawHeaders = Object.entries(headers).flat();
  for (const [name, value] of Object.entries(headers)) message.headersDistinct[name] = [value];
  return new Exchange({
    request: message,
    response: new ServerResponse(message),
    facts: request(line, { headers }),
    attempt: undefined,
    startedAt: 0,
    arrival: 1,
    awaitsContinue: false,
  });
}

describe('deciding on a request', () => {
  it('asks its header first, then its session, then the rules, until one fires', async () => {
    const all = await deciders();
    const namesOf = (exchange: Exchange) => {
      const { fired, decisions, owners } = decideAll(all, exchange, undefined);
      return [fired?.rule.name.replace(all.session.id, 'ID'), decisions.length, owners.length];
    };
    expect(namesOf(exchangeFor('GET /b/k', FAULT))).toEqual(['x-brownout-fault header', 3, 1]);
    expect(namesOf(exchangeFor('GET /b/k'))).toEqual(['session ID: GetObject, 1 of 1', 2, 1]);
    expect(namesOf(exchangeFor('GET /b/k'))).toEqual(['slow', 2, 1]);
    expect(namesOf(exchangeFor('GET /other/k'))).toEqual(['slow', 1, 0]);
  });

  it('does not count a request at deciders after the one that fires', async () => {
    const all = await deciders();
    decideAll(all, exchangeFor('GET /b/k', FAULT), undefined);
    expect(all.session.report().plan.GetObject).toMatchObject([{ state: 'waiting' }]);
    expect(all.rules().rules[0]?.counts.matched).toBe(0);
  });

  it('asks no other decider if the fault header is refused', async () => {
    const all = await deciders();
    const exchange = exchangeFor('GET /b/k', { 'x-brownout-fault': 'SlowDwon' });
    expect(decideAll(all, exchange, undefined)).toMatchObject({
      fired: undefined,
      decisions: [],
      owners: [],
      refusal: expect.stringMatching(/^x-brownout-fault cannot be read: .*SlowDown/),
    });
  });

  it('makes no object for a request that no rule matches', async () => {
    const all = await deciders({ rules: oneRule({ match: '{ method: PUT }' }) });
    const none = new RuleSet([], new Map());
    const [first, second] = ['GET /c/1', 'GET /c/2'].map((line) =>
      decideAll(all, exchangeFor(line), undefined),
    );
    expect(first).toBe(second);
    expect(decideAll({ ...all, rules: () => none }, exchangeFor('GET /c/3'), undefined)).not.toBe(first);
  });
});
