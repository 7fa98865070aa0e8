// Adapters that give each client of the table the same few calls. A call resolves when the client reports success (with a
// text if it is not a plain success), and rejects when it reports an error.
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import * as s3 from '@aws-sdk/client-s3';
import { scratchFolder } from './scratch.mjs';

const require = createRequire(import.meta.url);
const BUCKET = 'table';
const BODY = Buffer.alloc(1024 ** 2, 'abcdefghijklmnop');
const KEYS = ['a', 'b'];
const credentials = { accessKeyId: 'table', secretAccessKey: 'table-secret' };
const versionOf = (name) =>
  JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url))).version;

/** Returns the result of a download, after a check of its bytes. */
function verdict(bytes) {
  if (Buffer.compare(bytes, BODY) === 0) return 'ok';
  return bytes.length < BODY.length ? '**short, not noticed**' : '**corrupt, not noticed**';
}

function awsV3(url) {
  const client = new s3.S3Client({ endpoint: url, region: 'us-east-1', forcePathStyle: true, credentials });
  const send = (Command, input) => client.send(new Command({ Bucket: BUCKET, ...input }));
  const multipart = async () => {
    const { UploadId } = await send(s3.CreateMultipartUploadCommand, { Key: 'big' });
    const { ETag } = await send(s3.UploadPartCommand, { Key: 'big', UploadId, PartNumber: 1, Body: BODY });
    return { Key: 'big', UploadId, MultipartUpload: { Parts: [{ ETag, PartNumber: 1 }] } };
  };
  return {
    prepare: async (call) => {
      await send(s3.CreateBucketCommand, {});
      if (call === 'get') await send(s3.PutObjectCommand, { Key: 'key', Body: BODY });
      if (call === 'deleteMany')
        await Promise.all(KEYS.map((Key) => send(s3.PutObjectCommand, { Key, Body: 'x' })));
    },
    put: () => send(s3.PutObjectCommand, { Key: 'key', Body: BODY }).then(() => undefined),
    get: async () => {
      const { Body } = await send(s3.GetObjectCommand, { Key: 'key' });
      return verdict(Buffer.from(await Body.transformToByteArray()));
    },
    complete: async () => {
      await send(s3.CompleteMultipartUploadCommand, await multipart());
    },
    deleteMany: async () => {
      const { Errors = [] } = await send(s3.DeleteObjectsCommand, {
        Delete: { Objects: KEYS.map((Key) => ({ Key })) },
      });
      return `ok, ${Errors.length} errors listed`;
    },
  };
}

function awsV2(url) {
  const AWS = require('aws-sdk');
  const client = new AWS.S3({ endpoint: url, region: 'us-east-1', s3ForcePathStyle: true, credentials });
  return {
    prepare: awsV3(url).prepare,
    put: () =>
      client
        .putObject({ Bucket: BUCKET, Key: 'key', Body: BODY })
        .promise()
        .then(() => undefined),
    get: async () => verdict((await client.getObject({ Bucket: BUCKET, Key: 'key' }).promise()).Body),
    complete: async () => {
      const place = { Bucket: BUCKET, Key: 'big' };
      const { UploadId } = await client.createMultipartUpload(place).promise();
      const { ETag } = await client.uploadPart({ ...place, UploadId, PartNumber: 1, Body: BODY }).promise();
      const MultipartUpload = { Parts: [{ ETag, PartNumber: 1 }] };
      await client.completeMultipartUpload({ ...place, UploadId, MultipartUpload }).promise();
    },
    deleteMany: async () => {
      const Delete = { Objects: KEYS.map((Key) => ({ Key })) };
      const { Errors } = await client.deleteObjects({ Bucket: BUCKET, Delete }).promise();
      return `ok, ${Errors.length} errors listed`;
    },
  };
}

function aliOss(url) {
  const OSS = require('ali-oss');
  const client = new OSS({
    endpoint: url.replace('127.0.0.1', 'localhost'),
    sldEnable: true,
    secure: false,
    bucket: BUCKET,
    accessKeyId: credentials.accessKeyId,
    accessKeySecret: credentials.secretAccessKey,
  });
  return {
    prepare: awsV3(url).prepare,
    put: () => client.put('key', BODY).then(() => undefined),
    get: async () => verdict((await client.get('key')).content),
    complete: async () => {
      const { uploadId } = await client.initMultipartUpload('big');
      const { etag } = await client.uploadPart('big', uploadId, 1, partFile(), 0, BODY.length);
      await client.completeMultipartUpload('big', uploadId, [{ number: 1, etag }]);
    },
    deleteMany: async () => {
      const { deleted = [] } = await client.deleteMulti(KEYS);
      return `ok, ${deleted.length} listed as deleted`;
    },
  };
}

function esdkObs(url) {
  const ObsClient = require('esdk-obs-nodejs');
  const client = new ObsClient({
    access_key_id: credentials.accessKeyId,
    secret_access_key: credentials.secretAccessKey,
    server: url,
    path_style: true,
  });
  // The client is ready one tick after its constructor. Its calls resolve with any status.
  const call = async (name, input) => {
    await new Promise((resolve) => setTimeout(resolve, 10));
    const { CommonMsg, InterfaceResult } = await client[name]({ Bucket: BUCKET, ...input });
    return {
      ok: CommonMsg.Status < 300,
      text: `resolves, Status ${CommonMsg.Status} ${CommonMsg.Code}`.trim(),
      InterfaceResult,
    };
  };
  return {
    prepare: awsV3(url).prepare,
    put: async () => {
      const { ok, text } = await call('putObject', {
        Key: 'key',
        Body: Readable.from([BODY]),
        ContentLength: BODY.length,
      });
      return ok ? undefined : text;
    },
    get: async () => {
      const { ok, text, InterfaceResult } = await call('getObject', { Key: 'key', SaveAsStream: true });
      if (!ok) return text;
      const chunks = await InterfaceResult.Content.toArray();
      return verdict(Buffer.concat(chunks));
    },
    complete: async () => {
      const { InterfaceResult: created } = await call('initiateMultipartUpload', { Key: 'big' });
      const upload = { Key: 'big', UploadId: created.UploadId };
      const { InterfaceResult: part } = await call('uploadPart', {
        ...upload,
        PartNumber: 1,
        SourceFile: partFile(),
      });
      const { ok, text } = await call('completeMultipartUpload', {
        ...upload,
        Parts: [{ PartNumber: 1, ETag: part.ETag }],
      });
      return ok ? undefined : text;
    },
    deleteMany: async () => {
      const { ok, text, InterfaceResult } = await call('deleteObjects', {
        Objects: KEYS.map((Key) => ({ Key })),
      });
      return ok ? `ok, ${InterfaceResult.Errors?.length ?? 0} errors listed` : text;
    },
  };
}

function minioJs(url) {
  const { Client } = require('minio');
  const { hostname, port } = new URL(url);
  const client = new Client({
    endPoint: hostname,
    port: Number(port),
    useSSL: false,
    region: 'us-east-1',
    accessKey: credentials.accessKeyId,
    secretKey: credentials.secretAccessKey,
  });
  return {
    prepare: awsV3(url).prepare,
    put: () => client.putObject(BUCKET, 'key', BODY).then(() => undefined),
    get: async () => verdict(Buffer.concat(await (await client.getObject(BUCKET, 'key')).toArray())),
    complete: async () => {
      const uploadId = await client.initiateNewMultipartUpload(BUCKET, 'big', {});
      const { etag } = await client.uploadPart(
        { bucketName: BUCKET, objectName: 'big', uploadID: uploadId, partNumber: 1, headers: {} },
        BODY,
      );
      await client.completeMultipartUpload(BUCKET, 'big', uploadId, [{ part: 1, etag }]);
    },
    deleteMany: async () => {
      const errors = await client.removeObjects(BUCKET, KEYS);
      return `ok, ${errors.filter(Boolean).length} errors listed`;
    },
  };
}

function curl(url) {
  const run = (...args) =>
    promisify(execFile)('curl', ['-sS', '-f', '--max-time', '15', ...args], {
      encoding: 'buffer',
      maxBuffer: 2 * BODY.length,
    });
  const failed = (error) => {
    throw Object.assign(new Error(), {
      code: `exit ${error.code}: ${/\) (.*)/.exec(String(error.stderr))?.[1] ?? ''}`,
    });
  };
  return {
    prepare: awsV3(url).prepare,
    put: async () => {
      await run('-T', partFile(), `${url}/${BUCKET}/key`).catch(failed);
    },
    get: async () => verdict((await run(`${url}/${BUCKET}/key`).catch(failed)).stdout),
  };
}

let file;
/** Returns a file with the body, for clients that upload from files. */
function partFile() {
  if (file === undefined) {
    file = join(scratchFolder(), 'body');
    writeFileSync(file, BODY);
  }
  return file;
}

/** Clients, in the order of the table's columns. */
export const CLIENTS = [
  { name: 'aws-sdk v3', version: versionOf('@aws-sdk/client-s3'), open: awsV3 },
  { name: 'ali-oss', version: versionOf('ali-oss'), provider: 'aliyun-oss', open: aliOss },
  { name: 'esdk-obs-nodejs', version: versionOf('esdk-obs-nodejs'), provider: 'huawei-obs', open: esdkObs },
  { name: 'minio-js', version: versionOf('minio'), open: minioJs },
  { name: 'aws-sdk v2', version: versionOf('aws-sdk'), open: awsV2 },
  { name: 'curl', version: undefined, open: curl },
];
