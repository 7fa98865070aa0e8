import { readFileSync } from 'node:fs';
import { XMLParser } from 'fast-xml-parser';
import { describe, expect, test } from 'vitest';
import { findEntry, loadProvider, type Provider, providerNames } from '../../src/catalog/catalog.ts';
import {
  type Document,
  type ErrorText,
  mayHaveBody,
  type Subject,
  writeDocument,
} from '../../src/catalog/document.ts';

const now = new Date('2026-03-01T12:34:56.789Z');
const put: Subject = {
  method: 'PUT',
  host: 'photos.example.com',
  bucket: 'photos',
  key: 'a/b.jpg',
  part: 3,
  uploadId: 'up-1',
};
const ids = { requestId: 'REQUEST1', hostId: 'HOST1' };
const s3 = loadProvider('aws-s3');
const oss = loadProvider('aliyun-oss');
const obs = loadProvider('huawei-obs');
const jd = loadProvider('jd-jss');

function fixture(name: string): string {
  return readFileSync(new URL(`../fixtures/catalog/${name}`, import.meta.url), 'utf8');
}

function error(provider: Provider, code: string, variant?: string): ErrorText {
  const entry = findEntry(provider, code, variant);
  if (entry === undefined) throw new Error(`no ${code} at ${provider.name}`);
  const { status, reason, message } = entry;
  return { code: entry.code, status, reason, message };
}

function pairs({ headers }: Document): [name: string, value: string][] {
  return Array.from({ length: headers.length / 2 }, (_, i) => [headers[2 * i]!, headers[2 * i + 1]!]);
}

function header(document: Document, name: string): string | undefined {
  return pairs(document).find(([known]) => known === name)?.[1];
}

function head(document: Document): string {
  const lines = pairs(document).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${document.status} ${document.reason}\r\n${lines.join('')}\r\n`;
}

describe('byte for byte as published', () => {
  test('the answer in the appendix of the OSS error page, head and body', () => {
    const requestId = '57ABD896CCB80C366955187E';
    const document = writeDocument(
      oss,
      { ...error(oss, 'NotImplemented', 'sample-header'), fields: { Header: 'If-Modified-Since' } },
      {
        method: 'PUT',
        host: 'bucketname.oss-cn-shanghai.aliyuncs.com',
        bucket: 'bucketname',
        key: 'abc.zip',
      },
      new Date('2016-08-11T01:44:54Z'),
      { requestId },
    );
    expect(document.body).toHaveLength(322);
    // The page masks the end of the id in the body alone.
    const body = document.body.toString().replace(requestId, '57ABD896CCB80C366955****');
    expect(head(document) + body).toBe(fixture('oss-not-implemented.http'));
  });

  test('RequestTimeTooSkewed as an Android client got it from OSS', () => {
    const document = writeDocument(
      oss,
      { ...error(oss, 'RequestTimeTooSkewed'), fields: { RequestTime: '1970-01-01T12:52:35.000Z' } },
      { method: 'PUT', host: 'yw2018.oss-cn-hangzhou.aliyuncs.com', bucket: 'yw2018' },
      new Date('2019-03-30T13:18:53.000Z'),
      { requestId: '5C9F6CBDB007B7575C5395BA' },
    );
    expect(document.body.toString()).toBe(fixture('oss-skewed.xml'));
    expect(header(document, 'Content-Length')).toBe('465');
  });

  test('RequestTimeTooSkewed as a Java client got it from OBS, on one line', () => {
    const document = writeDocument(
      obs,
      { ...error(obs, 'RequestTimeTooSkewed'), fields: { RequestTime: 'Sat, 12 Feb 2022 09:37:03 GMT' } },
      { method: 'POST', host: 'b.obs.cn-south-1.myhuaweicloud.com', bucket: 'b', key: 'k' },
      new Date('2022-02-11T09:37:02.823Z'),
      {
        requestId: '0000017EE824A5666407C4CE27B8F394',
        hostId: '3akWNnC/60hMoENBbJT2cZUYoRQrKXYhGmZliBpZZn5VlBfGjJj4BuRxrLizmpZ9',
      },
    );
    expect(document.body.toString()).toBe(fixture('obs-skewed.xml'));
  });

  test('the SlowDown of S3: status line, headers in their order, one line after the declaration', () => {
    const document = writeDocument(s3, error(s3, 'SlowDown'), put, now, ids);
    expect(head(document)).toBe(
      'HTTP/1.1 503 Slow Down\r\nx-amz-request-id: REQUEST1\r\nx-amz-id-2: HOST1\r\n' +
        'Content-Type: application/xml\r\nTransfer-Encoding: chunked\r\n' +
        'Date: Sun, 01 Mar 2026 12:34:56 GMT\r\nConnection: close\r\nServer: AmazonS3\r\n\r\n',
    );
    expect(document.body.toString()).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SlowDown</Code>' +
        '<Message>Please reduce your request rate.</Message>' +
        '<RequestId>REQUEST1</RequestId><HostId>HOST1</HostId></Error>',
    );
  });

  test('the InvalidCallback of JSS: compact JSON under status 567', () => {
    const document = writeDocument(jd, error(jd, 'InvalidCallback'), put, now, ids);
    expect(document.body.toString()).toBe(
      '{"code":"InvalidCallback","message":"upload success but callback failed.",' +
        '"resource":"/photos/a/b.jpg","requestId":"REQUEST1"}',
    );
    expect(head(document)).toBe(
      'HTTP/1.1 567 Invalid Callback\r\nServer: nginx\r\nDate: Sun, 01 Mar 2026 12:34:56 GMT\r\n' +
        'Content-Type: application/json;charset=UTF-8\r\nContent-Length: 126\r\n' +
        'Connection: keep-alive\r\nx-jss-request-id: REQUEST1\r\n\r\n',
    );
  });

  test('JD writes head and body of its S3-compatible endpoint if a rule asks for XML', () => {
    const document = writeDocument(jd, { ...error(jd, 'SlowDown'), format: 'xml' }, put, now, ids);
    expect(document.body.toString()).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SlowDown</Code>' +
        '<Message>Please reduce your request rate.</Message>' +
        '<RequestId>REQUEST1</RequestId><HostId>HOST1</HostId></Error>',
    );
    expect(head(document)).toBe(
      'HTTP/1.1 400 Bad Request\r\nx-amz-request-id: REQUEST1\r\nx-amz-id-2: HOST1\r\n' +
        'Content-Type: application/xml\r\nContent-Length: 179\r\nDate: Sun, 01 Mar 2026 12:34:56 GMT\r\n' +
        'Connection: keep-alive\r\nServer: JDCloudOSS\r\n\r\n',
    );
  });
});

describe('elements that belong to one code', () => {
  const body = (provider: Provider, code: string, subject = put) =>
    writeDocument(provider, error(provider, code), subject, now, ids).body.toString();

  test('S3 puts them between Message and RequestId', () => {
    expect(body(s3, 'NoSuchKey')).toContain('</Message><Key>a/b.jpg</Key><RequestId>');
    expect(body(s3, 'NoSuchUpload')).toContain('</Message><UploadId>up-1</UploadId><RequestId>');
    expect(body(s3, 'InvalidPart')).toContain(
      '</Message><UploadId>up-1</UploadId><PartNumber>3</PartNumber><RequestId>',
    );
    expect(body(s3, 'RequestTimeTooSkewed')).toContain(
      '</Message><RequestTime>20260301T121456Z</RequestTime><ServerTime>2026-03-01T12:34:56Z</ServerTime>' +
        '<MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds><RequestId>',
    );
  });

  test('OSS and OBS put them after HostId', () => {
    expect(body(oss, 'NoSuchBucket')).toContain('</HostId>\n  <BucketName>photos</BucketName>\n</Error>\n');
    expect(body(oss, 'InvalidPart')).toContain(
      '</HostId>\n  <PartNumber>3</PartNumber>\n  <UploadId>up-1</UploadId>\n</Error>\n',
    );
    expect(body(obs, 'NoSuchUpload')).toContain('</HostId><UploadId>up-1</UploadId></Error>');
    expect(body(obs, 'RequestTimeTooSkewed')).toContain(
      '</HostId><MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds>' +
        '<RequestTime>Sun, 01 Mar 2026 12:14:56 GMT</RequestTime><ServerTime>2026-03-01T12:34:56.789Z</ServerTime></Error>',
    );
  });

  test('elements are left out if the request does not have their value', () => {
    expect(body(s3, 'NoSuchKey', { method: 'GET', host: 'h' })).not.toContain('<Key>');
    const complete = { method: 'POST', host: 'h', uploadId: 'u' };
    expect(body(s3, 'InvalidPart', complete)).toContain('</Message><UploadId>u</UploadId><RequestId>');
    expect(body(s3, 'EntityTooSmall', complete)).not.toMatch(/PartNumber|ProposedSize/);
    expect(body(s3, 'InvalidRange', { method: 'GET', host: 'h' })).not.toContain('RangeRequested');
    for (const provider of [s3, oss]) expect(body(provider, 'NotImplemented')).not.toContain('<Header>');
    expect(JSON.parse(body(jd, 'NoSuchBucket', { method: 'GET', host: 'h', bucket: 'b' })).resource).toBe(
      '/b',
    );
    expect(JSON.parse(body(jd, 'AccessDenied', { method: 'GET', host: 'h' })).resource).toBe('/');
  });

  test('S3 names the range and the size that it refuses', () => {
    expect(body(s3, 'InvalidRange', { method: 'GET', host: 'h', range: 'bytes=9-' })).toContain(
      '</Message><RangeRequested>bytes=9-</RangeRequested><RequestId>',
    );
    const large = { ...put, size: 6_000_000_000 };
    expect(body(s3, 'EntityTooLarge', large)).toContain(
      '</Message><ProposedSize>6000000000</ProposedSize><MaxSizeAllowed>5368709120</MaxSizeAllowed><RequestId>',
    );
    expect(body(s3, 'EntityTooSmall', { ...put, size: 7 })).toContain('<ProposedSize>7</ProposedSize>');
  });

  test.each([
    ['oss-cn-hangzhou.aliyuncs.com', 'photos.oss-cn-hangzhou.aliyuncs.com'],
    ['photos.oss-cn-hangzhou.aliyuncs.com', 'photos.oss-cn-hangzhou.aliyuncs.com'],
    ['localhost', 'photos.localhost'],
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '::1'],
    ['', ''],
  ])('OSS asked at "%s" calls the host of the bucket "%s"', (host, named) => {
    const document = writeDocument(oss, error(oss, 'NoSuchKey'), { ...put, host }, now);
    expect(document.body.toString()).toContain(`<HostId>${named}</HostId>`);
    const service = writeDocument(
      oss,
      { ...error(oss, 'NoSuchKey'), code: 'AccessDenied' },
      { method: 'GET', host },
      now,
    );
    expect(service.body.toString()).toContain(`<HostId>${host}</HostId>`);
  });

  test("a rule's fields replace the dialect's, and new ones follow", () => {
    const fields = { ETag: 'abc', PartNumber: '7', EC: '0042-00000001', RequestId: 'MINE' };
    const document = writeDocument(oss, { ...error(oss, 'InvalidPart'), fields }, put, now, ids);
    expect(document.body.toString()).toContain(
      '  <RequestId>MINE</RequestId>\n  <HostId>HOST1</HostId>\n  <ETag>abc</ETag>\n  <PartNumber>7</PartNumber>\n' +
        '  <UploadId>up-1</UploadId>\n  <EC>0042-00000001</EC>\n</Error>\n',
    );
    const json = writeDocument(jd, { ...error(jd, 'SlowDown'), fields: { hint: 'x' } }, put, now, ids);
    expect(JSON.parse(json.body.toString())).toMatchObject({ code: 'SlowDown', hint: 'x' });
  });

  test('a field can have the name of a property of every object', () => {
    const document = writeDocument(
      s3,
      { ...error(s3, 'SlowDown'), code: 'constructor', fields: { toString: 'x' } },
      put,
      now,
      ids,
    );
    expect(document.body.toString()).toContain('</Message><toString>x</toString><RequestId>');
  });
});

describe('response headers', () => {
  test('PositionNotEqualToLength has the position of the next append for OSS clients', () => {
    const text = error(oss, 'PositionNotEqualToLength');
    expect(header(writeDocument(oss, text, put, now), 'x-oss-next-append-position')).toBe('0');
    const headers = { 'X-OSS-Next-Append-Position': '4096' };
    expect(header(writeDocument(oss, { ...text, headers }, put, now), 'x-oss-next-append-position')).toBe(
      '4096',
    );
  });

  test('a rule can override a header in its place, add others and ask for Retry-After', () => {
    const document = writeDocument(
      oss,
      { ...error(oss, 'SlowDown'), headers: { server: 'mine', 'x-more': '1' }, retryAfter: 5 },
      put,
      now,
      ids,
    );
    expect(pairs(document).map(([name]) => name)).toEqual([
      'Server',
      'Date',
      'Content-Type',
      'Content-Length',
      'Connection',
      'x-oss-request-id',
      'x-oss-server-time',
      'Retry-After',
      'x-more',
    ]);
    expect(header(document, 'Server')).toBe('mine');
    expect(header(document, 'Retry-After')).toBe('5');
  });

  test('no answer has Retry-After unless a rule asks for it', () => {
    for (const name of providerNames()) {
      const provider = loadProvider(name);
      const document = writeDocument(provider, { code: 'SlowDown', status: 503, message: 'm' }, put, now);
      expect(header(document, 'Retry-After')).toBeUndefined();
    }
  });

  test('OBS writes x-amz- for a request that is signed the AWS way', () => {
    const document = writeDocument(obs, error(obs, 'SlowDown'), { ...put, awsSigned: true }, now, ids);
    expect(pairs(document).map(([name]) => name)).toEqual([
      'Server',
      'Date',
      'Content-Type',
      'Content-Length',
      'x-amz-request-id',
      'x-amz-id-2',
    ]);
    const usual = writeDocument(obs, error(obs, 'SlowDown'), put, now, ids);
    expect(header(usual, 'x-obs-request-id')).toBe('REQUEST1');
    expect(header(usual, 'x-obs-id-2')).toBe('HOST1');
  });

  test('a message cannot break out of a header line', () => {
    const message = 'a\r\nSet-Cookie: x=1\u0000 错误 100%';
    const document = writeDocument(
      obs,
      { code: 'AccessDenied', status: 403, message },
      { ...put, method: 'HEAD' },
      now,
    );
    expect(header(document, 'x-obs-error-message')).toBe('a%0D%0ASet-Cookie: x=1%00 %E9%94%99%E8%AF%AF 100%');
    const headers = { 'x-note': 'a\nb' };
    const other = writeDocument(
      s3,
      { code: 'X', status: 400, reason: 'No\r\nX: 1', message, headers },
      put,
      now,
    );
    expect(other.reason).toBe('No%0D%0AX: 1');
    expect(header(other, 'x-note')).toBe('a%0Ab');
  });

  test('the catalog names the headers of a stored object that stay', () => {
    expect(oss.dialect.keepOnCommit).toContain('x-oss-hash-crc64ecma');
    expect(s3.dialect.keepOnCommit).toContain('x-amz-version-id');
    for (const name of providerNames()) expect(loadProvider(name).dialect.keepOnCommit).toContain('etag');
  });
});

describe('answers without a body', () => {
  const heads: Subject = { ...put, method: 'HEAD' };
  const lies = /^(content-type|content-length|transfer-encoding)$/i;

  test('a HEAD answer of OSS carries the whole document in x-oss-err', () => {
    const document = writeDocument(oss, error(oss, 'NoSuchKey'), heads, now, ids);
    const same = writeDocument(oss, error(oss, 'NoSuchKey'), put, now, ids);
    expect(document.body).toHaveLength(0);
    expect(Buffer.from(header(document, 'x-oss-err') ?? '', 'base64')).toEqual(same.body);
  });

  test('a HEAD answer of OBS carries code and message in headers', () => {
    const document = writeDocument(obs, error(obs, 'AccessDenied'), heads, now);
    expect(header(document, 'x-obs-error-code')).toBe('AccessDenied');
    expect(header(document, 'x-obs-error-message')).toBe('Access Denied');
    const aws = writeDocument(obs, error(obs, 'AccessDenied'), { ...heads, awsSigned: true }, now);
    expect(header(aws, 'x-amz-error-code')).toBe('AccessDenied');
  });

  test('a HEAD answer of S3 and of JSS has only the status', () => {
    for (const provider of [s3, jd]) {
      const document = writeDocument(provider, error(provider, 'NoSuchKey'), heads, now);
      expect(document.headers.join('\n')).not.toContain('NoSuchKey');
    }
  });

  test('the headers with the code are only for HEAD', () => {
    expect(header(writeDocument(oss, error(oss, 'NoSuchKey'), put, now), 'x-oss-err')).toBeUndefined();
    expect(header(writeDocument(obs, error(obs, 'NoSuchKey'), put, now), 'x-obs-error-code')).toBeUndefined();
  });

  test.each(providerNames())('%s sends no type and no length without a body', (name) => {
    const provider = loadProvider(name);
    for (const [method, status] of [
      ['HEAD', 404],
      ['DELETE', 204],
      ['GET', 304],
      ['HEAD', 304],
    ] as const) {
      const document = writeDocument(provider, { code: 'X', status, message: 'm' }, { ...put, method }, now);
      expect(document.body).toHaveLength(0);
      expect(pairs(document).filter(([known]) => lies.test(known))).toEqual([]);
      if (status !== 404) expect(document.headers.join('\n')).not.toMatch(/-err/);
    }
  });

  test('the method and the status decide if an answer can have a body', () => {
    expect(mayHaveBody('GET', 404)).toBe(true);
    expect(mayHaveBody('PUT', 203)).toBe(true);
    expect(mayHaveBody('PUT', 567)).toBe(true);
    expect(mayHaveBody('HEAD', 404)).toBe(false);
    expect(mayHaveBody('DELETE', 204)).toBe(false);
    expect(mayHaveBody('GET', 304)).toBe(false);
    expect(mayHaveBody('GET', 100)).toBe(false);
  });
});

describe('text from outside', () => {
  const reader = new XMLParser({ parseTagValue: false, trimValues: false, htmlEntities: true });
  const nasty = `<a> & "b" 'c' ]]> 桶 \u{1f600}\ttab\r\nline`;

  test('XML is escaped, and parsing it returns the same text', () => {
    for (const provider of [s3, oss, obs]) {
      const subject = { ...put, key: nasty };
      const text = { code: 'NoSuchKey', status: 404, message: nasty, fields: { Extra: nasty } };
      const xml = writeDocument(provider, text, subject, now).body.toString();
      expect(xml).toContain(`&lt;a&gt; &amp; &quot;b&quot; 'c' ]]&gt; 桶 \u{1f600}\ttab&#13;\nline`);
      expect(reader.parse(xml).Error).toMatchObject({ Message: nasty, Extra: nasty });
    }
  });

  test('characters that XML cannot carry are replaced', () => {
    const message = 'a\u0000b\u001fc\ufffed\ud800e';
    const xml = writeDocument(s3, { code: 'X', status: 400, message }, put, now).body.toString();
    expect(xml).toContain('<Message>a\ufffdb\ufffdc\ufffdd\ufffde</Message>');
  });

  test('JSON is escaped', () => {
    const json = writeDocument(jd, { code: 'X', status: 400, message: nasty }, { ...put, key: nasty }, now);
    expect(JSON.parse(json.body.toString())).toMatchObject({ message: nasty, resource: `/photos/${nasty}` });
  });

  test('placeholders in a message or key stay text', () => {
    const text = { code: 'NoSuchKey', status: 404, message: '{requestId} $1 {nope}' };
    const xml = writeDocument(s3, text, { ...put, key: '{host}$1' }, now).body.toString();
    expect(xml).toContain('<Message>{requestId} $1 {nope}</Message><Key>{host}$1</Key>');
  });

  test('Content-Length counts bytes, not characters', () => {
    const document = writeDocument(obs, { code: 'X', status: 400, message: '错误' }, put, now);
    expect(header(document, 'Content-Length')).toBe(String(document.body.length));
  });
});

describe('the end of a document', () => {
  test.each([
    ['aws-s3', '</Error>', '</Error>\n'],
    ['huawei-obs', '</Error>', '</Error>\n'],
    ['aliyun-oss', '\n</Error>\n', '\n</Error>\n'],
    ['oss-classic', '\n</Error>\n', '\n</Error>\n'],
    ['jd-jss', '"}', '"}\n'],
  ])('of %s is its own unless a rule says otherwise', (name, usual, withNewline) => {
    const provider = loadProvider(name);
    const end = (trailingNewline?: boolean) => {
      const text = { code: 'X', status: 500, message: 'm', trailingNewline };
      return writeDocument(provider, text, put, now).body.toString();
    };
    expect(end().endsWith(usual)).toBe(true);
    expect(end(true).endsWith(withNewline)).toBe(true);
    expect(end(false)).not.toMatch(/\n$/);
  });
});

describe('ids', () => {
  const documents = (provider: Provider) =>
    writeDocument(provider, { code: 'X', status: 500, message: 'm' }, put, now);

  test('of OSS begin with the unix time in seconds', () => {
    for (const provider of [oss, loadProvider('oss-classic')]) {
      const { requestId } = documents(provider);
      expect(requestId).toMatch(/^[0-9A-F]{24}$/);
      expect(Number.parseInt(requestId.slice(0, 8), 16)).toBe(Math.floor(now.getTime() / 1000));
    }
  });

  test('of OBS begin with the unix time in milliseconds; the second one has 64 characters', () => {
    const document = documents(obs);
    expect(document.requestId).toMatch(/^[0-9A-F]{32}$/);
    expect(Number.parseInt(document.requestId.slice(0, 16), 16)).toBe(now.getTime());
    expect(header(document, 'x-obs-id-2')).toMatch(/^32AAAQAAEAABAAAQAAEAABAAAQAAEAABCS[\w+/]{30}$/);
  });

  test('of S3 and JSS have 16 characters; the second one of S3 is base64 of 56 bytes', () => {
    const document = documents(s3);
    expect(document.requestId).toMatch(/^[0-9A-Z]{16}$/);
    expect(header(document, 'x-amz-id-2')).toMatch(/^[\w+/]{75}=$/);
    expect(Buffer.from(header(document, 'x-amz-id-2') ?? '', 'base64')).toHaveLength(56);
    expect(documents(jd).requestId).toMatch(/^[0-9A-F]{16}$/);
  });

  test('never repeat, and header and body agree', () => {
    for (const name of providerNames()) {
      const provider = loadProvider(name);
      const [one, two] = [documents(provider), documents(provider)];
      expect(one.requestId).not.toBe(two.requestId);
      expect(one.headers).toContain(one.requestId);
      expect(one.body.toString()).toContain(one.requestId);
    }
  });
});

describe('every documented error', () => {
  const reader = new XMLParser({ parseTagValue: false, trimValues: false });

  test.each(providerNames())('of %s has its code and message when it is parsed', (name) => {
    const provider = loadProvider(name);
    let read = 0;
    for (const entry of provider.entries) {
      for (const format of ['xml', 'json'] as const) {
        if (provider.dialect.formats[format] === undefined) continue;
        const document = writeDocument(provider, { ...entry, format }, put, now);
        expect(document).toMatchObject({ status: entry.status });
        expect(document.reason).not.toBe('Unknown');
        if (!mayHaveBody(put.method, entry.status)) continue;
        const text = document.body.toString();
        const { Code, Message } =
          format === 'xml'
            ? reader.parse(text).Error
            : { Code: JSON.parse(text).code, Message: JSON.parse(text).message };
        expect([Code, Message]).toEqual([entry.code, entry.message]);
        read += 1;
      }
    }
    expect(read).toBeGreaterThan(15);
  });

  test('a format without a recipe in the dialect is refused', () => {
    expect(() => writeDocument(s3, { ...error(s3, 'SlowDown'), format: 'json' }, put, now)).toThrow(
      'aws-s3 has no errors in json',
    );
  });
});
