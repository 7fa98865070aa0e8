// Runs a 40 MiB multipart upload by the AWS SDK in which three in ten parts meet SlowDown.
//
//   npm ci && npm run build                                               once
//   node examples/aws-sdk-js/upload.mjs                                     brownout and an embedded store, in this process
//   BROWNOUT_URL=http://127.0.0.1:8080 node examples/aws-sdk-js/upload.mjs  a brownout that runs already; keys from AWS_*

import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand, GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { startProxy } from 'brownout';

// Hides the SDK's note that its support of Node 20 will end.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

const rules = fileURLToPath(new URL('../../rules/slow-down.yaml', import.meta.url));
const proxy = process.env.BROWNOUT_URL
  ? undefined
  : await startProxy({ upstream: 'memory:', rules: [rules], seed: 12 });

const client = new S3Client({
  endpoint: process.env.BROWNOUT_URL ?? proxy.url,
  region: process.env.AWS_REGION ?? 'us-east-1',
  forcePathStyle: true,
  maxAttempts: 10,
  credentials: {
    accessKeyId: process.env.AWS_ACCESS_KEY_ID ?? 'example',
    secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY ?? 'example-secret',
  },
});
// This is the last step before the wire, so it sees every attempt, not only the last one.
client.middlewareStack.add(
  (next, { commandName }) =>
    async (call) => {
      const { response, output } = await next(call).catch((error) => {
        print(commandName, call, `${error.$metadata?.httpStatusCode} ${error.name}`);
        throw error;
      });
      print(commandName, call, response.statusCode);
      return { response, output };
    },
  { step: 'deserialize', priority: 'high' },
);

function print(command, call, outcome) {
  const part = call.input.PartNumber === undefined ? '' : ` ${call.input.PartNumber}`;
  console.log(`${command.replace('Command', '')}${part}: ${outcome}`);
}

try {
  const target = { Bucket: 'example', Key: 'large' };
  const sent = randomBytes(40 * 1024 * 1024);
  await client.send(new CreateBucketCommand({ Bucket: target.Bucket }));
  await new Upload({ client, params: { ...target, Body: sent }, queueSize: 4 }).done();
  const { Body } = await client.send(new GetObjectCommand(target));
  const same = sent.equals(await Body.transformToByteArray());
  console.log(
    same
      ? 'the object that came back is the one that was sent'
      : 'the object that came back is NOT the one that was sent',
  );
  process.exitCode = same ? 0 : 1;
} finally {
  client.destroy();
  await proxy?.close();
}
