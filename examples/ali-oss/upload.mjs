// Shows how ali-oss handles two OSS errors. It never retries an HTTP error, so the application must. And it reports a
// failure if an object was stored but the callback to the application server failed.
//
//   npm ci && npm run build                                               once
//   node examples/ali-oss/upload.mjs                                     brownout and an embedded store, in this process
//   BROWNOUT_URL=http://localhost:8080 node examples/ali-oss/upload.mjs  a brownout that runs already

import { fileURLToPath } from 'node:url';
import OSS from 'ali-oss';
import { startProxy } from 'brownout';

const file = (name) => fileURLToPath(new URL(`../../rules/${name}`, import.meta.url));
const rules = [file('lost-callback-oss.yaml'), file('traffic-limit-oss.yaml')];
const proxy = process.env.BROWNOUT_URL ? undefined : await startProxy({ upstream: 'memory:', rules });

const client = new OSS({
  // A name, because ali-oss leaves the bucket out of the path if the endpoint is an IP address.
  endpoint: (process.env.BROWNOUT_URL ?? proxy.url).replace('127.0.0.1', 'localhost'),
  sldEnable: true,
  secure: false,
  bucket: 'example',
  accessKeyId: process.env.OSS_ACCESS_KEY_ID ?? 'example',
  accessKeySecret: process.env.OSS_ACCESS_KEY_SECRET ?? 'example-secret',
});

/** Retries a call after a 503, but not after CallbackFailed: the object is stored then. */
async function withRetries(name, call) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const result = await call();
      console.log(`${name}, attempt ${attempt}: ${result.res.status}`);
      return result;
    } catch (error) {
      console.log(
        `${name}, attempt ${attempt}: ${error.status} ${error.code}, request id ${error.requestId}`,
      );
      if (error.code === 'CallbackFailed') return; // the object is stored: a retry would be a waste
      if (error.status !== 503 || attempt === 5) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50 * 2 ** attempt));
    }
  }
}

try {
  await client.putBucket('example');
  await withRetries('put', () => client.put('throttled', Buffer.from('up in the end')));

  const callback = { url: 'http://app.example.com/stored', body: 'stored=yes' };
  await withRetries('put with callback', () => client.put('announced', Buffer.from('stored'), { callback }));
  const { content } = await withRetries('get', () => client.get('announced'));
  console.log(`the object is stored although the call failed: ${content}`);
} finally {
  await proxy?.close();
}
