// npm run demo: an upload by the AWS SDK meets SlowDown on its parts, retries, and succeeds.
// The store is the embedded stand-in, so the demo needs nothing but this checkout.
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand, GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { describeEntry, startProxy } from 'brownout';

const MIB = 1024 ** 2;
// Hides the SDK's note that its support of Node 20 will end.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

const rules = fileURLToPath(new URL('rules.yaml', import.meta.url));
const counts = { forwarded: 0, injected: 0 };

const proxy = await startProxy({
  upstream: 'memory:',
  rules: [rules],
  onEntry: (entry) => {
    counts[entry.outcome] += 1;
    console.log(`${entry.outcome === 'injected' ? '✗' : '✓'} ${describeEntry(entry)}`);
  },
});
console.log(`client: AWS SDK for JavaScript → brownout on ${proxy.url} → embedded store (a stand-in)`);
console.log(`rules: ${[...proxy.seeds].map(([file, seed]) => `${file.split('/').at(-1)}, seed ${seed}`)}\n`);

const client = new S3Client({
  endpoint: proxy.url,
  region: 'us-east-1',
  forcePathStyle: true,
  maxAttempts: 6,
  credentials: { accessKeyId: 'demo', secretAccessKey: 'demo-secret' },
});
const sent = Buffer.alloc(40 * MIB, 'what goes up must come down. ');

try {
  await client.send(new CreateBucketCommand({ Bucket: 'demo' }));
  const started = performance.now();
  const upload = new Upload({
    client,
    params: { Bucket: 'demo', Key: 'holiday.mp4', Body: sent },
    partSize: 5 * MIB,
    queueSize: 4,
  });
  await upload.done();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const { Body } = await client.send(new GetObjectCommand({ Bucket: 'demo', Key: 'holiday.mp4' }));
  const received = await Body.transformToByteArray();
  await summarise(received, seconds);
} finally {
  client.destroy();
  await proxy.close();
}

async function summarise(received, seconds) {
  const [rule] = proxy.rules;
  const same = digest(received) === digest(sent);
  console.log(`\n${counts.forwarded} exchanges were forwarded, ${counts.injected} met an injected fault:`);
  console.log(`  "${rule.name}" matched ${rule.matched} times and fired ${rule.fired} times`);
  console.log(
    `the SDK tried those parts again, and the upload of ${sent.length / MIB} MiB was done in ${seconds} s`,
  );
  console.log(`read back: ${received.length / MIB} MiB, ${same ? 'the same bytes' : 'OTHER BYTES'}`);
  if (!same || counts.injected === 0) process.exitCode = 1;
}

function digest(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
