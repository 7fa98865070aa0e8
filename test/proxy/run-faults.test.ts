import { describe, expect, it } from 'vitest';
import type { Fault, FaultContext, Next } from '../../src/faults/fault.ts';
import { RuleSet } from '../../src/rules/decide.ts';
import { ask, closing, injectingAll } from '../faults/faulty.ts';
import { proxyTo } from '../support/proxy.ts';
import { upstreamSaying } from '../support/through.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

function fault(kind: string, inject: Fault['inject']): Fault {
  return { kind, summary: kind, inject };
}

const passOn = (_: FaultContext, next: Next) => next();

/** Returns the journal entry of a request into which these faults were injected. */
async function journalled(...faults: Fault[]) {
  const [rule] = injectingAll('{ delay: 1ms }').rules;
  if (rule === undefined) throw new Error('there is no rule');
  const settings = Object.fromEntries(faults.map(({ kind }) => [kind, 'as stated']));
  const upstream = await upstreamSaying(OK);
  const rules = new RuleSet([{ ...rule, faults, settings }], new Map());
  const { port, proxy } = await proxyTo(upstream.url, { rules });
  await ask(port, closing('GET /b/k'));
  const [entry] = proxy.journal.entries();
  return entry;
}

describe('a fault', () => {
  it('skips only itself', async () => {
    const skipping = fault('one', (context, next) => {
      context.skip();
      return next();
    });
    expect(await journalled(skipping, fault('other', passOn))).toMatchObject({
      outcome: 'injected',
      fault: 'other',
    });
    expect(await journalled(skipping)).toMatchObject({ outcome: 'forwarded', fault: undefined });
  });

  it('records a draw in its own settings', async () => {
    const drawing = fault('one', (context, next) => {
      context.recordDraw('as drawn');
      return next();
    });
    const entry = await journalled(drawing, fault('other', passOn));
    expect(entry?.settings).toEqual({ one: 'as drawn', other: 'as stated' });
  });

  it('has its own dice', async () => {
    const rolls: number[] = [];
    const rolling = (kind: string) =>
      fault(kind, ({ roll }, next) => {
        rolls.push(roll(), roll(), roll('detail'));
        return next();
      });
    await journalled(rolling('one'), rolling('other'));
    const [first, again, detail, other] = rolls;
    expect(again).toBe(first);
    expect(new Set([first, detail, other]).size).toBe(3);
  });
});
