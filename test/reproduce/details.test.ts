import { describe, expect, it } from 'vitest';
import { findErrors } from '../../src/reproduce/reproduce.ts';
import { ruleFile } from '../../src/reproduce/rule-file.ts';

const first = (text: string) => findErrors(text).findings[0];

describe('a connection that was reset', () => {
  const write = 'Put "https://b.s3.amazonaws.com/k": write tcp 192.0.2.1:41000->192.0.2.2:443: ';
  const read = 'Put "https://b.s3.amazonaws.com/k": read tcp 192.0.2.1:41000->192.0.2.2:443: ';
  it.each([
    [`${write}connection reset by peer`, 'reset', 'request-body'],
    [`${write}i/o timeout`, 'timeout', 'request-body'],
    [`${read}connection reset by peer`, 'reset', 'answer'],
    [`${read}i/o timeout`, 'timeout', 'answer'],
    [
      'software.amazon.awssdk.services.s3: java.net.SocketException: Connection reset by peer (Write failed)',
      'reset',
      'request-body',
    ],
    [
      'com.amazonaws.services.s3: java.net.SocketException: Connection reset by peer: socket write error',
      'reset',
      'request-body',
    ],
    ['com.amazonaws.services.s3: java.net.SocketException: Connection reset', 'reset', 'answer'],
  ])('is one of writing where the text says so: %s', (text, fault, phase) => {
    expect(first(text)?.network).toMatchObject({ fault, phase });
  });
});

describe('whose an error is', () => {
  const body = (more: string) => `<Error><Code>AccessDenied</Code><Message>no</Message>${more}</Error>`;
  it.each([
    [body('<EC>0003-00000001</EC>'), 'aliyun-oss'],
    [body('<RecommendDoc>https://example.com/</RecommendDoc>'), 'aliyun-oss'],
    [body('<HostId>32AAAQAAEAABAAAQAAEAABAAAQAAEAABCSexample</HostId>'), 'huawei-obs'],
    [body(''), 'aws-s3'],
  ])('is told by what its provider alone writes: %s', (text, provider) => {
    expect(first(text)?.provider.name).toBe(provider);
  });
});

describe('a reason phrase', () => {
  it('names the code of an answer without a body, and not of one that could not be read', () => {
    expect(first('503 Server Error: Slow Down for url: https://b.s3.amazonaws.com/k')?.code).toBe('SlowDown');
    const unread = first('oss: service returned invalid response body, status = 503 Slow Down, RequestId=');
    expect([unread?.code, unread?.status, unread?.unparsableBody]).toEqual([undefined, 503, true]);
  });
});

describe('a message', () => {
  it.each([
    ['the field of a logger', 'level=error err="put: # Access Denied" tenant=fake component=compactor'],
    ['the end of its line', 'level=error err="put: # Access Denied"'],
    ['JSON', '{"level":"error","err":"put: # Access Denied","tenant":1}'],
  ])('ends where the quote of the logger does: before %s', (_, line) => {
    const errors = {
      'operation error S3: PutObject, https response error StatusCode: 403, RequestID: ABCDEFGH12345678, HostID: , api error AccessDenied:':
        'PutObject',
      'An error occurred (AccessDenied) when calling the PutObject operation:': 'PutObject',
      'S3 error: 403 (AccessDenied):': undefined,
    };
    for (const error of Object.keys(errors)) {
      expect(first(line.replace('#', error))?.message).toBe('Access Denied');
    }
  });

  it('keeps the quotes that are its own', () => {
    const said = 'not allowed on resource: "arn:aws:s3:::b/k" because no policy = none';
    const text = `An error occurred (AccessDenied) when calling the PutObject operation: ${said}`;
    expect(first(text)?.message).toBe(said);
  });
});

describe('what no request can have', () => {
  const rules = (text: string) => ruleFile(findErrors(text), 'a report').replace(/^ *#.*\n/gm, '');
  const error = 'An error occurred (SlowDown) when calling the UploadPart operation: x';

  it('is not matched: parts that no store takes', () => {
    expect(rules(`${error} PartNumber=10000`)).toContain('part: 10000');
    expect(rules(`${error} PartNumber=99999`)).not.toContain('part:');
    expect(rules(`${error} PartNumber=0`)).not.toContain('part:');
  });

  it('is not matched: half a character', () => {
    const text = (key: string) =>
      `{"code":"SlowDown","message":"m","resource":"/bucket-a/${key}","requestId":"ABCDEF12"}`;
    expect(rules(text('k\\ud83d\\ude00'))).toContain('key: k😀');
    expect(rules(text('k\\ud83d'))).not.toContain('key:');
  });
});
