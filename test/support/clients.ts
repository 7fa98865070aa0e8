import { S3Client } from '@aws-sdk/client-s3';
import OSS from 'ali-oss';
import ObsClient from 'esdk-obs-nodejs';

/** Keys that a client signs with. */
export interface Keys {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** Keys for backends that check no signature. */
export const ANY_KEYS: Keys = { accessKey: 'ANYACCESSKEY', secretKey: 'any-secret-key' };

/** Makes an AWS client, by default without retries. */
export function awsClient(url: string, keys: Keys = ANY_KEYS, maxAttempts = 1): S3Client {
  return new S3Client({
    endpoint: url,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts,
    credentials: { accessKeyId: keys.accessKey, secretAccessKey: keys.secretKey },
    // radosgw 16 knows no checksums after the body, which the SDK sends with streams otherwise
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
}

/** Makes a client of esdk-obs-nodejs. It is ready one tick after its constructor. */
export async function obsClient(url: string, keys: Keys = ANY_KEYS): Promise<ObsClient> {
  const client = new ObsClient({
    access_key_id: keys.accessKey,
    secret_access_key: keys.secretKey,
    server: url,
    path_style: true,
  });
  await new Promise((resolve) => setImmediate(resolve));
  return client;
}

/** Makes a client of ali-oss for the name `localhost`. With an IP address it would leave the bucket out of the path. */
export function ossClient(port: number, bucket: string): OSS {
  return new OSS({
    accessKeyId: ANY_KEYS.accessKey,
    accessKeySecret: ANY_KEYS.secretKey,
    bucket,
    endpoint: `http://localhost:${port}`,
    sldEnable: true,
    secure: false,
  });
}
