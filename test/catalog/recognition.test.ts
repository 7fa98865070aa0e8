import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { catalogFile, DEFAULT_PROVIDER, loadProvider, providerNames } from '../../src/catalog/catalog.ts';
import { writeDocument } from '../../src/catalog/document.ts';
import {
  isDocumentHeader,
  isErrorHeader,
  isProviderChecksum,
  providerOfDomain,
  providerOfElements,
  providerOfHeaders,
  providerOfHost,
  providerOfHostId,
  providerOfServer,
  providerOfUrlScheme,
  recognitions,
} from '../../src/catalog/recognition.ts';
import { recognitionSchema } from '../../src/catalog/recognition-schema.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

describe('the recognition of providers', () => {
  it('is read from the head of each file and equals that of the whole file, with the default provider last', () => {
    const whole = providerNames().flatMap((name) => {
      const { recognition } = parse(readFileSync(catalogFile(name), 'utf8'));
      return recognition === undefined ? [] : [[name, recognitionSchema.parse(recognition)] as const];
    });
    const found = recognitions();
    expect(new Map(found)).toEqual(new Map(whole));
    expect(found.map(([name]) => name)).toEqual(['aliyun-oss', 'huawei-obs', 'jd-jss', DEFAULT_PROVIDER]);
  });

  it.each([
    ['oss-cn-hangzhou.aliyuncs.com', 'aliyun-oss', 'aliyun-oss'],
    ['photos.vpc100-oss-cn-hangzhou.aliyuncs.com', 'aliyun-oss', 'aliyun-oss'],
    ['console.aliyuncs.com', undefined, 'aliyun-oss'],
    ['photos.obs-website.cn-north-4.myhuaweicloud.com', 'huawei-obs', 'huawei-obs'],
    ['ecs.cn-north-4.myhuaweicloud.com', undefined, 'huawei-obs'],
    ['storage.jcloud.com', 'jd-jss', 'jd-jss'],
    ['img.jcloud.com', 'jd-jss', 'jd-jss'],
    ['oss.cn-north-1.jcloudcs.com', 'jd-jss', 'jd-jss'],
    ['s3.cn-north-1.jcloudcs.com', 'jd-jss', undefined],
    ['photos.s3.cn-north-1.jdcloud-oss.com', 'jd-jss', undefined],
    ['photos.s3.cn-north-1.amazonaws.com.cn', 'aws-s3', 'aws-s3'],
    ['a--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com', 'aws-s3', 'aws-s3'],
    ['sts.us-east-1.amazonaws.com', undefined, 'aws-s3'],
    ['evil-amazonaws.com', undefined, undefined],
    ['minio', undefined, undefined],
    [`${'a.'.repeat(5000)}s3.amazonaws.com`, undefined, undefined],
  ])('takes %s for the storage of %s, whose clients speak the dialect of %s', (host, storage, dialect) => {
    expect([providerOfHost(host), providerOfHost(`${host.toUpperCase()}:443`)]).toEqual([storage, storage]);
    expect(providerOfDomain(host)).toBe(dialect);
  });

  it.each(recognitions().map(([name]) => name))('finds %s by the headers of its own answers', (name) => {
    const provider = loadProvider(name);
    const text = { code: 'X', status: 500, message: 'x' };
    const subject = { method: 'HEAD', host: 'h' };
    const { headers } = writeDocument(provider, text, subject, new Date());
    const pairs = headers.flatMap((text, i) => (i % 2 === 0 ? [[text.toLowerCase(), headers[i + 1]]] : []));
    expect(providerOfHeaders(pairs.map(([header = '']) => header))).toBe(name);
    const server = pairs.find(([header]) => header === 'server')?.[1] ?? '';
    // JD's native API stands behind nginx.
    expect(providerOfServer(server)).toBe(server === 'nginx' ? undefined : name);
  });

  it.each([
    [providerOfServer('JSS/1.2'), 'jd-jss'],
    [providerOfServer('JDCloudOSS'), 'jd-jss'],
    [providerOfServer('MyAmazonS3'), undefined],
    [providerOfHostId('32AAAQAAEAABAAAQAAEAABAAAQAAEAABCSxyz'), 'huawei-obs'],
    [providerOfElements(['Code', 'EC']), 'aliyun-oss'],
    [providerOfElements(['Code', 'HostId']), undefined],
    [providerOfUrlScheme('s3a'), 'aws-s3'],
    [providerOfUrlScheme('obs'), 'huawei-obs'],
    [providerOfUrlScheme('cos'), undefined],
    [isProviderChecksum('x-amz-checksum-sha256'), true],
    [isProviderChecksum('x-amz-checksum-type'), false],
    [isProviderChecksum('x-oss-hash-crc64ecma'), true],
    [isDocumentHeader('x-oss-err'), true],
    [isDocumentHeader('x-obs-error-code'), false],
    [isErrorHeader('x-oss-ec'), true],
  ])('answers %s where %s is right', (found, expected) => {
    expect(found).toBe(expected);
  });

  it('is refused with an invalid expression', () => {
    const issues = recognitionSchema.safeParse({ hosts: ['(?<bucket>.+'] }).error?.issues;
    expect(issues?.map(({ path, message }) => [path.join('.'), message])).toEqual([
      ['hosts.0', 'not a regular expression'],
    ]);
  });
});

/** Texts of src/ that name a provider or one of its signs nevertheless, by the file or folder they stand in. */
const ALLOWED: readonly (readonly [place: string, texts: RegExp, why: string])[] = [
  ['src/catalog/catalog.ts', /DEFAULT_PROVIDER = 'aws-s3'/g, 'the provider of what has no sign'],
  ['src/catalog/recognition-schema.ts', /such as x-oss-/g, 'an example in a description'],
  ['src/commands/', /--provider \S+-\S+|provider: aws-s3/g, 'examples in help'],
  ['src/reproduce/formats/', /[\s\S]+/g, 'a format is that of one SDK, and the SDK of one provider'],
  [
    'src/request/facts.ts',
    /'x-amz-(?:content-sha256|decoded-content-length)'/g,
    'the framing of aws-chunked',
  ],
  ['src/request/facts.ts', /'x-oss-process'/g, 'a query parameter: the grammar of the API'],
  ['src/request/operation.ts', /'x-oss-process'/g, 'a query parameter: the grammar of the API'],
  ['src/store/operations.ts', /'x-obs-api': '3.0'/g, 'the stand-in answers a probe of one SDK'],
];

describe('src/', () => {
  const files = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ file: `src/${name}`, code: codeIn(readFileSync(`${root}src/${name}`, 'utf8')) }));

  it('names no provider, and none of the signs that the catalogs have', () => {
    const signs = signsOfAll();
    expect(signs).toEqual(
      expect.arrayContaining(['aws-s3', 'oss-classic', 'aliyuncs.com', 'x-obs-', 'AWS4-']),
    );
    const found = files.flatMap(({ file, code }) => {
      const places = ALLOWED.filter(([place]) => file.startsWith(place));
      const rest = places.reduce((text, [, texts]) => text.replace(texts, ''), code).toLowerCase();
      return signs
        .filter((sign) => rest.includes(sign.toLowerCase()))
        .map(
          (sign) =>
            `${file} has ${sign}: what is a provider's stands in catalog/<provider>.yaml. ` +
            `put it into its recognition, and ask src/catalog/recognition.ts`,
        );
    });
    expect(found).toEqual([]);
  });

  it('has each of the texts that are allowed as exceptions', () => {
    const unused = ALLOWED.filter(
      ([place, texts]) => !files.some(({ file, code }) => file.startsWith(place) && code.search(texts) >= 0),
    );
    expect(unused.map(([place, texts]) => `${place} ${texts}`)).toEqual([]);
  });
});

/** A file without its comments: they may speak of whom they like. */
function codeIn(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(?<=^|\s)\/\/ .*$/gm, '');
}

/** Names of providers, and those of their signs that are no plain words. */
function signsOfAll(): string[] {
  const signs = recognitions().flatMap(([, each]) => [
    ...each.domains,
    ...each.domains.map((domain) => `${domain.split('.')[0]}\\.`),
    each.headerPrefix ?? '',
    ...each.elements,
    ...each.servers.map((server) => server.replace(/\.\*$/, '')),
    ...each.signatures.flatMap(({ authorization, parameter, besides, signedHeaders }) => [
      authorization,
      ...(besides === undefined ? [parameter] : []),
      signedHeaders?.parameter ?? '',
    ]),
  ]);
  return [...providerNames(), ...new Set(signs)].filter((sign) => sign.length > 4);
}
