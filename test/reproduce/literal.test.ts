import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { findErrors } from '../../src/reproduce/reproduce.ts';
import { ruleFile } from '../../src/reproduce/rule-file.ts';

const made = (report: string, settings = {}) => ruleFile(findErrors(report, settings), 'a report');

describe('a rule made of a report', () => {
  it.each(['aws-s3', 'aliyun-oss', 'huawei-obs', 'jd-jss'])(
    'that has no ids has the same ones each time, in its head and in its body: %s',
    (provider) => {
      const report = 'An error occurred (OurOwnCode) when calling the PutObject operation: no';
      const text = made(report, { provider, status: 409 });
      expect(made(report, { provider, status: 409 })).toBe(text);
      const { headers, body } = parse(text).rules[0].fault.respond;
      const [, id] = /"?<?[Rr]equestId"?[>:]"?([\w-]+)/.exec(body) ?? [];
      expect(id).toMatch(/^[\w-]{16,}$/);
      expect(Object.values(headers)).toContain(id);
      expect(text).toContain('the body and its ids, which are made up: not in the text');
      expect(made(`\n${report}`, { provider, status: 409 })).not.toContain(id);
    },
  );

  it('has none of the keys and signatures that stand in an error', () => {
    const body = [
      '<?xml version="1.0" encoding="UTF-8"?>',
      '<Error>',
      '  <Code>SignatureDoesNotMatch</Code>',
      '  <Message>m</Message>',
      '  <OSSAccessKeyId>LTAI0123</OSSAccessKeyId>',
      '  <SignatureProvided>c2ln+/bmF0dXJl=</SignatureProvided>',
      '  <StringToSign>PUT\n\nimage/png\n/bucket-a/1.png</StringToSign>',
      '</Error>',
    ].join('\n');
    for (const report of [body, `HTTP/1.1 403 Forbidden\nx-oss-err: ${btoa(body)}\n\n${body}`]) {
      const text = made(report, { provider: 'aliyun-oss' });
      expect(text).toContain(
        'made unreadable, an X for each letter and digit: OSSAccessKeyId, SignatureProvided, StringToSign',
      );
      expect(text).toContain('XXXXXXXX');
      expect(text).toContain('XXXX+/XXXXXXXX=');
      expect(text + atob(/x-oss-err: (\S+)/.exec(text)?.[1] ?? '')).not.toMatch(/LTAI0123|c2ln|image|1\.png/);
    }
  });

  it('has what else it was asked to keep: the names of codes', () => {
    const report =
      '<Error><Code>InvalidToken</Code><Message>The provided token is malformed.</Message></Error>';
    expect(made(report)).not.toContain('XX');
  });
});
