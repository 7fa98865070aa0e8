import { S3Client } from '@aws-sdk/client-s3';
import OSS from 'ali-oss';
import ObsClient from 'esdk-obs-nodejs';

/** Keys a client signs with. */
export interface Keys {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** For backends that check no signature. */
export const ANY_KEYS: Keys = { accessKey: 'ANYACCESSKEY', secretKey: 'any-secret-key' };

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

/** esdk-obs-nodejs sets itself up in the tick after its constructor. */
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

/** ali-oss against a name, since with an IP address it leaves the bucket out of the path. */
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
