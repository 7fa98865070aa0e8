import { describe, expect, it } from 'vitest';
import { plainOf } from '../../src/reproduce/plain.ts';

const plain = (text: string) => plainOf(text).text;
const BODY = '<?xml version="1.0"?>\n<Error>\n  <Code>SlowDown</Code>\n</Error>';

describe('a report made plain', () => {
  it.each([
    ['JSON in a log', JSON.stringify({ msg: BODY }), `{"msg":"${BODY}"}`],
    ['JSON in JSON', JSON.stringify({ a: JSON.stringify({ msg: BODY }) }), `{"a":"{"msg":"${BODY}"}"}`],
    ['Python bytes', `b'${BODY.replaceAll('\n', '\\n')}'`, `b'${BODY}'`],
    ['entities', BODY.replaceAll('<', '&lt;').replaceAll('>', '&gt;'), BODY],
    ['unicode escapes', '\\u003cError\\u003e', '<Error>'],
    ['slashes', '<Error><Code>A<\\/Code><\\/Error>', '<Error><Code>A</Code></Error>'],
  ])('has no escapes of %s', (_, escaped, text) => {
    expect(plain(escaped)).toBe(text);
  });

  it('keeps what looks like an escape and is none', () => {
    for (const text of [
      'File=E:\\new\\table.tgz, x',
      'C:\\Users\\name\\temp',
      '{"code":"AccessDenied","message":"not \\"yours\\"\\n"}',
      '<Message>a &amp; b</Message>',
      'key=a&amp;b',
    ]) {
      expect(plain(text)).toBe(text);
    }
  });

  it.each([
    ['docker compose', (line: string) => `app-1     | ${line}`],
    ['kubectl', (line: string) => `2024-03-02T11:05:09.101Z ${line}`],
    ['logcat', (line: string) => `2024-03-02 19:05:09.415 100-200/com.example.app W/System.err: ${line}`],
    ['syslog', (line: string) => `Mar  2 11:05:09 host backup[123]: ${line}`],
    ['a quoted mail', (line: string) => `> ${line}`],
  ])('has no margin of %s', (_, margin) => {
    expect(plain(BODY.split('\n').map(margin).join('\n'))).toBe(BODY);
  });

  it('has no colours, no fences, no marks of Markdown, and straight quotes', () => {
    expect(
      plain('```xml\n\u001b[31mA\u001b[0m **b** [c](https://example.com) \u201cd\u201d \\<e\\>\n```'),
    ).toBe('\nA b c "d" <e>\n');
    expect(plain("key '***' of ABCD****")).toBe("key '***' of ABCD****");
  });

  it('has queries without entities', () => {
    expect(plain('PUT http://h/k?partNumber=8&amp;uploadId=abc&amp;x=1 failed')).toBe(
      'PUT http://h/k?partNumber=8&uploadId=abc&x=1 failed',
    );
  });

  it('says which line of a HAR file an exchange begins in', () => {
    const entry = (url: string) => ({
      request: { method: 'GET', url, headers: [] },
      response: { status: 503, statusText: '', headers: [], content: { text: '"request": {' } },
    });
    const har = JSON.stringify({ log: { entries: [entry('http://a/'), entry('http://b/')] } }, null, 1);
    const { text, lineOf } = plainOf(har);
    const lines = har.split('\n');
    const [one, two] = ['http://a/', 'http://b/'].map((url) => lines[lineOf(text.indexOf(url))]?.trim());
    expect([one, two]).toEqual(['"method": "GET",', '"method": "GET",']);
    expect(lineOf(text.indexOf('http://a/'))).toBeLessThan(lineOf(text.indexOf('http://b/')));
  });

  it('says which line of the report a place is from', () => {
    const { text, lineOf } = plainOf('one\r\ntwo <a>\\n<b>\\n<c>\r\n```\nfour');
    expect(text).toBe('one\ntwo <a>\n<b>\n<c>\n\nfour');
    expect(['one', '<c>', 'four'].map((word) => lineOf(text.indexOf(word)))).toEqual([1, 2, 4]);
  });
});
