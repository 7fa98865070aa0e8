import { createHash, createHmac } from 'node:crypto';
import type { Keys } from './clients.ts';

const REGION = 'us-east-1';

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

/**
 * Makes a URL that anyone may use for five minutes, signed with SigV4 in its query (AWS, "Authenticating Requests: Query
 * Parameters"). Further parameters must have names in lower case.
 */
export function presign(
  method: string,
  url: string,
  keys: Keys,
  parameters: Readonly<Record<string, string>> = {},
): string {
  // Not new URL(), which would resolve `..`: the signed path would differ from the path that is sent.
  const [, host = '', pathname = ''] = /^https?:\/\/([^/]+)(.*)$/.exec(url) ?? [];
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${time.slice(0, 8)}/${REGION}/s3/aws4_request`;
  const query = [
    ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
    ['X-Amz-Credential', `${keys.accessKey}/${scope}`],
    ['X-Amz-Date', time],
    ['X-Amz-Expires', '300'],
    ['X-Amz-SignedHeaders', 'host'],
    // Upper case sorts before lower case.
    ...Object.entries(parameters).sort(),
  ]
    .map(([name = '', value = '']) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
  const canonical = [method, pathname, query, `host:${host}`, '', 'host', 'UNSIGNED-PAYLOAD'].join('\n');
  const digest = createHash('sha256').update(canonical).digest('hex');
  const key = scope
    .split('/')
    .reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${keys.secretKey}`);
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope, digest].join('\n')).toString('hex');
  return `${url}?${query}&X-Amz-Signature=${signature}`;
}
