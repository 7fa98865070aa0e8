import { STATUS_CODES } from 'node:http';
import type { Entry, Provider } from '../../src/catalog/catalog.ts';
import type { Document } from '../../src/catalog/document.ts';

/** An error that a client has met: what its report is written from. */
export interface Met {
  readonly provider: Provider;
  readonly entry: Entry;
  readonly document: Document;
  readonly hostId: string;
}

/** How a program prints an error; `undefined` for one it cannot print. */
export type Renderer = (met: Met) => string | undefined;

/** Renderers by the shape that should read them. */
export const RENDERERS: Readonly<Record<string, Renderer>> = {
  'XML document': ({ document }) => document.body.toString(),
  'escaped XML in a JSON log': ({ document }) =>
    JSON.stringify({ level: 'error', msg: `upload: ${document.body}` }),
  'XML in a docker compose log': ({ document }) =>
    `${document.body}\n.`
      .split('\n')
      .map((line) => `app-1  | ${line}`)
      .join('\n'),
  'XML in HTML': ({ document }) =>
    `<pre>${document.body.toString().replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')}</pre>`,
  'HTTP messages': (met) => `${REQUEST}\n\n${head(met)}\n\n${met.document.body}`,
  'curl -v': (met) =>
    [
      '*   Trying 192.0.2.10:443...',
      ...REQUEST.split('\n').map((line) => `> ${line}`),
      '> ',
      ...head(met)
        .split('\n')
        .map((line) => `< ${line}`),
      '< ',
      `${met.document.body}* Connection #0 to host storage.example left intact`,
    ].join('\n'),
  'HAR file': (met) => JSON.stringify({ log: { version: '1.2', entries: [harEntry(met)] } }, null, 2),
  rclone: ({ entry, document }) =>
    `2024/03/02 11:05:09 ERROR : a: Failed to copy: s3 upload: ${entry.status} ${document.reason}: ${document.body}`,
  'aws-java 1': ({ entry, document, hostId }) =>
    `com.amazonaws.services.s3.model.AmazonS3Exception: ${entry.message} (Service: Amazon S3; Status Code: ${entry.status}; Error Code: ${entry.code}; Request ID: ${document.requestId}; S3 Extended Request ID: ${hostId}), S3 Extended Request ID: ${hostId}\n\tat com.amazonaws.http.AmazonHttpClient$RequestExecutor.handleErrorResponse(AmazonHttpClient.java:1712)`,
  'aws-java 2': ({ entry, document, hostId }) =>
    /^\w+$/.test(entry.code)
      ? `software.amazon.awssdk.services.s3.model.${entry.code}Exception: ${entry.message} (Service: S3, Status Code: ${entry.status}, Request ID: ${document.requestId}, Extended Request ID: ${hostId}) (SDK Attempt Count: 4)`
      : undefined,
  'aws-js 3': ({ entry, document, hostId }) =>
    /^\w+$/.test(entry.code)
      ? `${entry.code}: ${entry.message || 'UnknownError'}\n    at throwDefaultError (/opt/app/node_modules/@smithy/smithy-client/dist-cjs/index.js:840:20)\n    at de_PutObjectCommandError (/opt/app/node_modules/@aws-sdk/client-s3/dist-cjs/index.js:4743:14) {\n  '$fault': 'client',\n  '$metadata': {\n    httpStatusCode: ${entry.status},\n    requestId: '${document.requestId}',\n    extendedRequestId: '${hostId}',\n    cfId: undefined,\n    attempts: 3,\n    totalRetryDelay: 154\n  },\n  Code: '${entry.code}'\n}`
      : undefined,
  'aws-js 2': ({ entry, document }) =>
    /^\w+$/.test(entry.code)
      ? `${entry.code}: ${entry.message}\n    at Request.extractError (/opt/app/node_modules/aws-sdk/lib/services/s3.js:712:35)\n    at Request.callListeners (/opt/app/node_modules/aws-sdk/lib/sequential_executor.js:106:20) {\n  code: '${entry.code}',\n  region: null,\n  time: 2024-03-02T11:05:09.000Z,\n  requestId: '${document.requestId}',\n  extendedRequestId: undefined,\n  statusCode: ${entry.status},\n  retryable: true\n}`
      : undefined,
  boto3: ({ entry }) =>
    `botocore.exceptions.ClientError: An error occurred (${entry.code}) when calling the PutObject operation (reached max retries: 4): ${entry.message}`,
  'aws-go 1': ({ entry, document, hostId }) =>
    `upload failed: ${entry.code}: ${entry.message}\n\tstatus code: ${entry.status}, request id: ${document.requestId}, host id: ${hostId}`,
  'aws-go 2': ({ entry, document, hostId }) =>
    `operation error S3: PutObject, exceeded maximum number of attempts, 3, https response error StatusCode: ${entry.status}, RequestID: ${document.requestId}, HostID: ${hostId}, api error ${entry.code}: ${entry.message}`,
  'aws-php': ({ entry, document }) => {
    const url = 'https://bucket-a.s3.eu-central-1.amazonaws.com/dir/sample.bin';
    return `Error executing "PutObject" on "${url}"; AWS HTTP error: Client error: \`PUT ${url}\` resulted in a \`${entry.status} ${document.reason}\` response:\n${document.body.toString().slice(0, 120)} (truncated...)\n ${entry.code} (client): ${entry.message} - ${document.body}`;
  },
  'aws-cpp': ({ entry, document }) =>
    `HTTP response code: ${entry.status}\nResolved remote host IP address: 192.0.2.10:80\nRequest ID: ${document.requestId}\nException name: ${entry.code}\nError message: ${entry.message}\n2 response headers:\nconnection : close\nx-amz-request-id : ${document.requestId}`,
  'aws-rust': ({ entry, document }) =>
    `ServiceError(ServiceError { source: Unhandled(Unhandled { source: ErrorMetadata { code: Some("${entry.code}"), message: Some("${entry.message.replaceAll('"', '\\"')}"), extras: Some({"aws_request_id": "${document.requestId}"}) }, meta: ErrorMetadata { code: Some("${entry.code}") } }), raw: Response { status: StatusCode(${entry.status}), headers: Headers } })`,
  object_store: ({ entry, document }) =>
    `Generic { store: "S3", source: RetryError(RetryErrorImpl { method: PUT, uri: Some(https://bucket-a.s3.eu-central-1.amazonaws.com/dir/sample.bin), retries: 10, max_retries: 10, elapsed: 18.2s, retry_timeout: 180s, inner: Status { status: ${entry.status}, body: Some(${JSON.stringify(document.body.toString())}) } }) }`,
  arrow: ({ entry }) =>
    /^[A-Za-z]+$/.test(entry.code)
      ? `OSError: When uploading part for key 'k' in bucket 'b': AWS Error ${entry.code.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()} during UploadPart operation: ${entry.message}`
      : undefined,
  'minio-py': ({ entry, document, hostId }) =>
    `minio.error.S3Error: S3 operation failed; code: ${entry.code}, message: ${entry.message}, resource: /bucket-a/dir/sample.bin, request_id: ${document.requestId}, host_id: ${hostId}, bucket_name: bucket-a, object_name: dir/sample.bin`,
  'minio-java': ({ entry, document, hostId }) =>
    `error occurred\nErrorResponse(code = ${entry.code}, message = ${entry.message}, bucketName = bucket-a, objectName = dir/sample.bin, resource = /bucket-a/dir/sample.bin, requestId = ${document.requestId}, hostId = ${hostId})`,
  's3cmd error': ({ entry }) => `ERROR: S3 error: ${entry.status} (${entry.code}): ${entry.message}`,
  's3cmd warning': ({ entry }) =>
    `WARNING: Upload failed: /dir/sample.bin?partNumber=3&uploadId=abc (${entry.status} (${entry.code}): ${entry.message})`,
  's3cmd, any request': ({ entry }) =>
    `WARNING: Retrying failed request: /dir/sample.bin?partNumber=3&uploadId=abc (${entry.status} (${entry.code}): ${entry.message})`,
  restic: ({ entry }) =>
    entry.message === ''
      ? undefined
      : `Save(<data/0a1b2c3d4e>) returned error, retrying after 552ms: client.PutObject: ${entry.message}`,
  'ali-oss': ({ entry, document }) =>
    /^\w+$/.test(entry.code)
      ? `${entry.code}Error: ${entry.message}\n    at Object.requestError (/opt/app/node_modules/ali-oss/lib/client.js:391:15) {\n  name: '${entry.code}Error',\n  status: ${entry.status},\n  code: '${entry.code}',\n  requestId: '${document.requestId}',\n  host: 'bucket-a.oss-cn-hangzhou.aliyuncs.com'\n}`
      : undefined,
  'ali-oss JSON': ({ entry, document }) =>
    JSON.stringify({
      name: `${entry.code}Error`,
      message: entry.message,
      status: entry.status,
      code: entry.code,
      requestId: document.requestId,
      params: { method: 'PUT', object: 'dir/sample.bin', bucket: 'bucket-a' },
    }),
  oss2: ({ entry, document }) =>
    `oss2.exceptions.ServerError: {'status': ${entry.status}, 'x-oss-request-id': '${document.requestId}', 'details': {'Code': '${entry.code}', 'Message': ${pythonText(entry.message)}, 'RequestId': '${document.requestId}', 'HostId': 'bucket-a.oss-cn-hangzhou.aliyuncs.com'}}`,
  ossutil: ({ entry, document }) =>
    `Error: oss: service returned error: StatusCode=${entry.status}, ErrorCode=${entry.code}, ErrorMessage="${entry.message}", RequestId=${document.requestId}, Bucket=bucket-a, Object=dir/sample.bin`,
  'OSS Go 2': ({ entry, document }) =>
    `operation error PutObject: Error returned by Service.\nHttp Status Code: ${entry.status}.\nError Code: ${entry.code}.\nRequest Id: ${document.requestId}.\nMessage: ${entry.message}.\nEC: 0003-00000905.\nTimestamp: 2024-03-02 11:05:09 +0000 UTC.\nRequest Endpoint: PUT https://bucket-a.oss-cn-hangzhou.aliyuncs.com/dir/sample.bin.`,
  'OSS Java': ({ entry, document, hostId }) =>
    `com.aliyun.oss.OSSException: ${entry.message}\n[ErrorCode]: ${entry.code}\n[RequestId]: ${document.requestId}\n[HostId]: ${hostId}\n[ResponseError]:\n${document.body}`,
  'OSS Android': ({ entry, document, hostId }) =>
    `[StatusCode]: ${entry.status}, [Code]: ${entry.code}, [Message]: ${entry.message}, [Requestid]: ${document.requestId}, [HostId]: ${hostId}, [RawMessage]: ${document.body}`,
  'OBS Java': ({ entry, document }) =>
    `com.obs.services.exception.ObsException: Error message:Request Error.OBS service Error Message. -- ResponseCode: ${entry.status}, ResponseStatus: ${document.reason}, XML Error Message: ${document.body}`,
  'OBS Go': ({ entry, document }) =>
    `obs: service returned error: Status=${entry.status} ${STATUS_CODES[entry.status] ?? ''}, Code=${entry.code}, Message=${entry.message}, RequestId=${document.requestId}, Indicator=.`,
  'OBS Node.js': ({ entry, document, hostId }) =>
    `{\n  CommonMsg: {\n    Status: ${entry.status},\n    Code: '${entry.code}',\n    Message: ${pythonText(entry.message)},\n    HostId: '${hostId}',\n    RequestId: '${document.requestId}',\n    InterfaceResult: null\n  },\n  InterfaceResult: null\n}`,
  'OBS Python': ({ entry, document }) =>
    `Put Object Failed\nstatus: ${entry.status}\nreason: ${document.reason}\nerrorCode: ${entry.code}\nerrorMessage: ${entry.message}\nrequestId: ${document.requestId}`,
  'JD Go': ({ entry, document }) =>
    `JSS API Error: RequestId: ${document.requestId} Status Code: ${entry.status} Code: ${entry.code} Message: ${entry.message} Resource: /bucket-a/dir/sample.bin`,
  'OSS PHP': ({ entry, document }) =>
    entry.message === ''
      ? undefined
      : `OSS\\Core\\OssException: ${entry.code}: ${entry.message} RequestId: ${document.requestId}`,
  'access log': ({ entry }) =>
    /^[\w.]+$/.test(entry.code) && entry.status >= 300
      ? `79a59df9 bucket-a [06/Feb/2024:00:00:38 +0000] 192.0.2.3 79a59df9 3E57427F3EXAMPLE REST.PUT.OBJECT dir/k "PUT /bucket-a/dir/k HTTP/1.1" ${entry.status} ${entry.code} 324 - 7 - "-" "-" -`
      : undefined,
  'a word': ({ entry }) =>
    /[a-z][A-Z]/.test(entry.code) ? `upload of a.bin failed: ${entry.code}` : undefined,
  ClickHouse: ({ entry }) =>
    entry.message.length < 24
      ? undefined
      : `Code: 499. DB::Exception: ${entry.message.replace(/\.$/, '')}. (S3_ERROR) (version 24.1)`,
};

const REQUEST = [
  'PUT /bucket-a/dir/sample.bin HTTP/1.1',
  'Host: storage.example:9000',
  'User-Agent: example/1.0',
  'Content-Length: 4',
].join('\n');

function head({ entry, document }: Met): string {
  const lines = [`HTTP/1.1 ${entry.status} ${document.reason}`];
  for (let i = 0; i + 1 < document.headers.length; i += 2)
    lines.push(`${document.headers[i]}: ${document.headers[i + 1]}`);
  return lines.join('\n');
}

function harEntry(met: Met) {
  const { entry, document } = met;
  const headers = head(met)
    .split('\n')
    .slice(1)
    .map((line) => ({ name: line.slice(0, line.indexOf(':')), value: line.slice(line.indexOf(':') + 2) }));
  return {
    startedDateTime: '2024-03-02T11:05:09.101Z',
    request: { method: 'PUT', url: 'https://storage.example:9000/bucket-a/dir/sample.bin', headers: [] },
    response: {
      status: entry.status,
      statusText: document.reason,
      headers,
      content: { text: document.body.toString() },
    },
  };
}

/** As Python and Node.js quote text. */
function pythonText(text: string): string {
  return text.includes("'") ? `"${text}"` : `'${text}'`;
}
