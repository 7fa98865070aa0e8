import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BadRules } from '../../src/index.ts';
import { operator, SLOW } from '../admin/operator.ts';
import { eventually } from '../support/proxy.ts';

/** Collects the warnings of this process from now on. */
function collectWarnings(): { readonly message: string; readonly detail: string }[] {
  const warnings: { message: string; detail: string }[] = [];
  const onWarning = ({ name, message, detail = '' }: Error & { detail?: string }) => {
    if (name === 'BrownoutWarning') warnings.push({ message, detail });
  };
  process.on('warning', onWarning);
  onTestFinished(() => void process.off('warning', onWarning));
  return warnings;
}

const throwing = (error: unknown) => () => {
  throw error;
};

describe('a callback that throws', () => {
  it.each(['onEntry', 'onFault'])('does not break an exchange: %s', async (name) => {
    const warnings = collectWarnings();
    const { proxy, exchange, send, json } = await operator({ [name]: throwing(new Error('nobody listens')) });
    const plan = '{"key": {"bucket": "b"}, "provider": "aws-s3", "plan": {"PutObject": ["SlowDown"]}}';
    const { id } = (await send('POST', '/sessions', plan)).body;
    // Each of them waits for `idle()`.
    expect([await exchange('PUT', '/b/1'), await exchange('PUT', '/b/2')]).toEqual([503, 503]);
    expect((await json(`/sessions/${id}`)).body).toMatchObject({
      complete: true,
      plan: { PutObject: [{ state: 'met', exchange: 1 }] },
    });
    expect(proxy.journal()).toHaveLength(2);
    expect(await proxy.metrics.registry.metrics()).toMatch(/^brownout_body_bytes_total\{.*\} [1-9]/m);
    await eventually('it is reported', () => warnings.length > 0);
    expect(warnings).toEqual([
      {
        message: `${name} threw an error; its further errors will not be reported`,
        detail: expect.stringContaining('Error: nobody listens'),
      },
    ]);
  });

  it('does not change the result of a reload', async () => {
    const warnings = collectWarnings();
    const folder = mkdtempSync(join(tmpdir(), 'brownout-callback-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'rules.yaml');
    writeFileSync(path, SLOW);
    const { proxy, json } = await operator({ rules: [path], onReload: throwing(Object.create(null)) });
    await proxy.reload();
    expect((await json('/rules/reload', { method: 'POST' })).status).toBe(200);
    writeFileSync(path, SLOW.replace('SlowDown', 'SlowDwon'));
    await expect(proxy.reload()).rejects.toThrow(BadRules);
    expect((await json('/rules/reload', { method: 'POST' })).status).toBe(422);
    await eventually('it is reported', () => warnings.length > 0);
    expect(warnings).toHaveLength(1);
  });

  it('does not undo a change by the admin port, nor change its answer', async () => {
    const { json } = await operator({ onAdminChange: throwing('nobody listens') });
    expect((await json('/rules/slow/disable', { method: 'POST' })).status).toBe(200);
    expect((await json('/rules/slow')).body).toMatchObject({ enabled: false });
  });

  it('is reported as well if it rejects later', async () => {
    const warnings = collectWarnings();
    const { exchange } = await operator({ onEntry: () => Promise.reject(new Error('too late')) });
    await exchange('PUT', '/b/k');
    await eventually('it is reported', () => warnings.length > 0);
    expect(warnings[0]?.detail).toContain('too late');
  });
});
