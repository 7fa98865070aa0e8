// What ali-oss makes of two OSS errors: it never repeats an HTTP error by itself, so the application must; and it
// reports a failure when an object was stored but the callback to the application server was not answered.
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
  // A name and not an IP address: given an address, ali-oss leaves the bucket out of the path.
  endpoint: (process.env.BROWNOUT_URL ?? proxy.url).replace('127.0.0.1', 'localhost'),
  sldEnable: true,
  secure: false,
  bucket: 'example',
  accessKeyId: process.env.OSS_ACCESS_KEY_ID ?? 'example',
  accessKeySecret: process.env.OSS_ACCESS_KEY_SECRET ?? 'example-secret',
});

/** Repeats what a 503 asks to be repeated; that an object was stored but not announced is no reason to. */
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
      if (error.code === 'CallbackFailed') return; // stored: sending it again would be a waste
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
  console.log(`the object is there all the same: ${content}`);
} finally {
  await proxy?.close();
}
