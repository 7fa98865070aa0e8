import { describe, expect, it } from 'vitest';
import { requestSigns } from '../../src/catalog/request-signs.ts';
import { type Addressing, hostOf, locate } from '../../src/request/address.ts';

function placeOf(host: string, path: string, addressing: Addressing) {
  return locate(host, path, addressing, requestSigns());
}

describe('host names', () => {
  it.each([
    ['127.0.0.1:9000', '127.0.0.1'],
    ['[::1]:9000', '::1'],
    ['[::1', '::1'],
    ['S3.Example.COM.', 's3.example.com'],
    ['user:secret@host:80', 'host'],
    ['host:', 'host'],
    ['', ''],
    [undefined, ''],
  ])('reads %s as %s', (authority, host) => {
    expect(hostOf(authority)).toBe(host);
  });
});

describe('virtual-hosted style', () => {
  it.each([
    ['photos.s3.amazonaws.com', 'photos'],
    ['photos.s3.us-west-2.amazonaws.com', 'photos'],
    ['photos.s3-us-west-2.amazonaws.com', 'photos'],
    ['photos.s3.dualstack.us-west-2.amazonaws.com', 'photos'],
    ['photos.s3-accelerate.amazonaws.com', 'photos'],
    ['photos.s3-accelerate.dualstack.amazonaws.com', 'photos'],
    ['photos.s3-fips.dualstack.us-gov-west-1.amazonaws.com', 'photos'],
    ['photos.s3-website.eu-central-1.amazonaws.com', 'photos'],
    ['photos.s3.cn-north-1.amazonaws.com.cn', 'photos'],
    ['my.dotted.bucket.s3.us-west-2.amazonaws.com', 'my.dotted.bucket'],
    ['x.s3-y.s3.us-west-2.amazonaws.com', 'x.s3-y'],
    ['data--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com', 'data--use1-az4--x-s3'],
    ['photos.oss-cn-hangzhou.aliyuncs.com', 'photos'],
    ['photos.oss-cn-hangzhou-internal.aliyuncs.com', 'photos'],
    ['photos.oss-accelerate.aliyuncs.com', 'photos'],
    ['photos.s3.oss-cn-hangzhou.aliyuncs.com', 'photos'],
    ['photos.cn-hangzhou.oss.aliyuncs.com', 'photos'],
    ['cn-photos.oss-cn-hangzhou.aliyuncs.com', 'cn-photos'],
    ['photos.obs.cn-north-4.myhuaweicloud.com', 'photos'],
    ['photos.obs.myhwclouds.com', 'photos'],
    ['photos.s-bj.jcloud.com', 'photos'],
    ['photos.oss.cn-north-1.jcloudcs.com', 'photos'],
    ['photos.s3.cn-north-1.jcloudcs.com', 'photos'],
    ['photos.s3-internal.cn-north-1.jdcloud-oss.com', 'photos'],
  ])('finds the bucket of %s', (host, bucket) => {
    expect(placeOf(host, '/a/b', {})).toEqual({ bucket, key: 'a/b' });
    expect(placeOf(host, '/', {})).toEqual({ bucket, key: undefined });
  });

  it('uses the longest of the configured domains', () => {
    const addressing = { domains: ['example.com', 'S3.example.com'] };
    expect(placeOf('photos.s3.example.com', '/k', addressing)).toEqual({ bucket: 'photos', key: 'k' });
    expect(placeOf('photos.example.com', '/k', addressing)).toEqual({ bucket: 'photos', key: 'k' });
    expect(placeOf('s3.example.com', '/photos/k', addressing)).toEqual({ bucket: 'photos', key: 'k' });
    expect(placeOf('photos.s3.localhost', '/k', { domains: ['s3.localhost'] })).toEqual({
      bucket: 'photos',
      key: 'k',
    });
    expect(placeOf('photosexample.com', '/b/k', addressing)).toEqual({ bucket: 'b', key: 'k' });
  });

  it('finds the bucket of a host that stands for one bucket', () => {
    const addressing = { cname: new Map([['img.example.com', 'photos']]) };
    expect(placeOf('img.example.com', '/b/k', addressing)).toEqual({ bucket: 'photos', key: 'b/k' });
  });

  it('is not used if path style is forced', () => {
    const found = placeOf('photos.oss-cn-hangzhou.aliyuncs.com', '/photos/k', { pathStyle: true });
    expect(found).toEqual({ bucket: 'photos', key: 'k' });
  });
});

describe('path style', () => {
  it.each([
    '127.0.0.1',
    '::1',
    'localhost',
    's3.localhost',
    'minio',
    's3.amazonaws.com',
    's3-us-west-2.amazonaws.com',
    's3.dualstack.us-west-2.amazonaws.com',
    'oss-cn-hangzhou.aliyuncs.com',
    's3.oss-cn-hangzhou.aliyuncs.com',
    'cn-hangzhou.oss.aliyuncs.com',
    'obs.cn-north-4.myhuaweicloud.com',
    'storage.jcloud.com',
    's3.cn-north-1.jcloudcs.com',
    'console.aliyuncs.com',
    'evil-amazonaws.com',
    `${'a.'.repeat(5000)}s3.amazonaws.com`,
    '',
  ])('is assumed at %s', (host) => {
    expect(placeOf(host, '/b/k', {})).toEqual({ bucket: 'b', key: 'k' });
  });

  it.each([
    ['/', undefined, undefined],
    ['', undefined, undefined],
    ['/b', 'b', undefined],
    ['/b/', 'b', undefined],
    ['/b/k', 'b', 'k'],
    ['/b//k', 'b', '/k'],
    ['/b/k/', 'b', 'k/'],
    ['/b/a//b', 'b', 'a//b'],
    ['/b/..', 'b', '..'],
    ['/b/../c', 'b', '../c'],
    ['/b/./x', 'b', './x'],
    ['/b/a\\b', 'b', 'a\\b'],
    ['/b/a%2Fb', 'b', 'a/b'],
    ['/b%2Fk', 'b/k', undefined],
    ['/b/%zz', 'b', '%zz'],
    ['/b/%zz%20%E7%85%A7', 'b', '%zz 照'],
    ['/b/%ff', 'b', '%ff'],
    ['/b/a+b', 'b', 'a+b'],
    ['/b/a#c', 'b', 'a#c'],
    ['//k', undefined, undefined],
    ['//b/k', undefined, undefined],
    ['*', undefined, undefined],
    ['example.com:443', undefined, undefined],
  ])('takes %s as bucket %s and key %s', (path, bucket, key) => {
    expect(placeOf('127.0.0.1', path, {})).toEqual({ bucket, key });
  });
});
