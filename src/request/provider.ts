import type { Facts } from './facts.ts';
import type { SignatureScheme } from './signature.ts';

const BY_SCHEME: ReadonlyMap<SignatureScheme, string> = new Map([
  ['aws-v4', 'aws-s3'],
  ['oss-v1', 'aliyun-oss'],
  ['oss-v4', 'aliyun-oss'],
  ['obs', 'huawei-obs'],
  ['jss', 'jd-jss'],
]);

const BY_HOST: readonly (readonly [host: RegExp, provider: string])[] = [
  [/\.aliyuncs\.com$/, 'aliyun-oss'],
  [/\.(?:myhuaweicloud\.(?:com|cn|eu)|myhwclouds\.com)$/, 'huawei-obs'],
  // JD's S3-compatible names (s3.…) speak S3's dialect, not JSS.
  [/(?:\.jcloud|(?:^|\.)oss(?:-[a-z]+)?\.[a-z0-9-]+\.jcloudcs)\.com$/, 'jd-jss'],
  [/\.amazonaws\.com(?:\.cn)?$/, 'aws-s3'],
];

const BY_HEADER: readonly (readonly [prefix: string, provider: string])[] = [
  ['x-oss-', 'aliyun-oss'],
  ['x-obs-', 'huawei-obs'],
  ['x-jss-', 'jd-jss'],
  ['x-amz-', 'aws-s3'],
];

/** Whose dialect a client seems to speak, for answers of the proxy's own; `undefined` where the request gives no sign. */
export function detectProvider(facts: Facts): string | undefined {
  const { scheme, host, headers } = facts;
  const signed = scheme === undefined ? undefined : BY_SCHEME.get(scheme);
  if (signed !== undefined) return signed;
  const named = BY_HOST.find(([pattern]) => pattern.test(host));
  if (named !== undefined) return named[1];
  const names = Object.keys(headers);
  const spoken = BY_HEADER.find(([prefix]) => names.some((name) => name.startsWith(prefix)));
  // AWS V2 alone comes last: esdk-obs-nodejs signs so at an IP endpoint, with nothing of OBS in the request.
  return spoken?.[1] ?? (scheme === 'aws-v2' ? 'aws-s3' : undefined);
}

/** Whose dialect the proxy speaks on its own account: the one it was told to, else the client's. */
export function providerFor(facts: Facts, told: string | undefined): string {
  return told ?? detectProvider(facts) ?? 'aws-s3';
}
