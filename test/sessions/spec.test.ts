import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BadRules } from '../../src/diagnostics/diagnostic.ts';
import { readPlan, type SessionSpec } from '../../src/sessions/spec.ts';

const fixtures = new URL('../fixtures/sessions/', import.meta.url);
const specs = readdirSync(fixtures).filter((name) => !name.endsWith('.out'));

/** Returns the text that a user would read; '' if there are no problems. */
function complaints(name: string, text: string, provider?: string): string {
  try {
    readPlan({ name, text }, provider);
    return '';
  } catch (error) {
    if (error instanceof BadRules) return `${error.message}\n`;
    throw error;
  }
}

function plan(spec: Partial<SessionSpec>) {
  const key = { bucket: 'b' };
  return readPlan({ name: 'session', text: JSON.stringify({ key, ...spec }) }, 'aws-s3');
}

describe('a session', () => {
  it.each(specs)('like %s is answered with exactly the sentences of its golden file', async (name) => {
    const expected = new URL(`${name}.out`, fixtures);
    // Without the file, the test would write it, and any text would pass.
    expect(existsSync(expected), 'there is no such file').toBe(true);
    const text = readFileSync(new URL(name, fixtures), 'utf8');
    await expect(complaints(name, text, 'aws-s3')).toMatchFileSnapshot(expected.pathname);
  });

  it('needs a provider: its own or that of the proxy', () => {
    const text = '{ key: { bucket: b }, plan: { PutObject: [SlowDown] } }';
    expect(complaints('session', text)).toBe(
      `session:1:23: no provider is set, so its codes are unknown. put "provider": "aws-s3" (or another) beside the plan [missing-key]\n${text}\n                      ^^^^\n`,
    );
    expect(complaints('session', text, 'huawei-obs')).toBe('');
    expect(complaints('session', text.replace('{', '{ provider: aws-s3,'))).toBe('');
  });

  it('uses its own provider before that of the proxy', () => {
    const { provider, lists } = plan({ provider: 'aliyun-oss', plan: { PutObject: ['CallbackFailed'] } });
    expect(provider.name).toBe('aliyun-oss');
    expect(lists[0]?.instructions[0]?.faults[0]?.code).toBe('CallbackFailed');
  });

  it('has its instructions by operation and part, and compiles equal ones once', () => {
    const { lists } = plan({
      plan: { 'UploadPart#3': ['SlowDown', { reset: 'commit' }, 'SlowDown'], getobject: ['forward'] },
    });
    expect(
      lists.map(({ name, operation, part, instructions }) => [
        name,
        operation,
        part,
        instructions.map((each) => each.stated),
      ]),
    ).toEqual([
      ['UploadPart#3', 'UploadPart', 3, ['SlowDown', { reset: 'commit' }, 'SlowDown']],
      ['getobject', 'GetObject', undefined, ['forward']],
    ]);
    expect(lists[0]?.instructions[2]).toBe(lists[0]?.instructions[0]);
  });

  it('lasts 15 minutes by default', () => {
    const one = { PutObject: ['SlowDown'] };
    expect(plan({ plan: one }).expires).toBe(15 * 60_000);
    expect(plan({ plan: one, expires: '2s' }).expires).toBe(2000);
  });

  it('may have a thousand instructions', () => {
    const many = (count: number) => ({ PutObject: Array(count).fill('SlowDown') });
    expect(plan({ plan: many(1000) }).lists[0]?.instructions.length).toBe(1000);
    expect(() => plan({ plan: many(1001) })).toThrow(
      /^session:1:23: a session may have 1000 instructions, and these are 1001 \[too-large\]$/m,
    );
  });
});
