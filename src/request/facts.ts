import type { IncomingHttpHeaders } from 'node:http';
import type { Operation } from './operation.ts';

/** How a request was signed; `undefined` on {@link Facts} means unsigned. */
export type SignatureScheme = 'aws-v4' | 'aws-v2' | 'oss-v4' | 'oss-v1' | 'obs' | 'jss';

/** Everything a request's head says, read once and never changed; what rules match on and the journal records. */
export interface Facts {
  /** Method, exactly as sent. */
  readonly method: string;
  /** Request target, exactly as sent (may be absolute-form). */
  readonly target: string;
  /** Path of the target, still percent-encoded, never normalised. */
  readonly path: string;
  /** Query parameters, percent-decoded; of a repeated one the first; a bare `?uploads` has the value ''. */
  readonly query: ReadonlyMap<string, string>;
  /** Headers as Node parsed them: lower-case names. */
  readonly headers: IncomingHttpHeaders;
  /** Host without port, lower-case; '' when there is none. */
  readonly host: string;
  readonly bucket: string | undefined;
  /** Object key, percent-decoded. */
  readonly key: string | undefined;
  readonly operation: Operation;
  readonly part: number | undefined;
  readonly uploadId: string | undefined;
  /** n-th try as the SDK says it (`amz-sdk-request: attempt=2`), 1-based. */
  readonly attempt: number | undefined;
  readonly accessKey: string | undefined;
  readonly scheme: SignatureScheme | undefined;
  readonly presigned: boolean;
  /** Body is signed chunk by chunk (`x-amz-content-sha256: STREAMING-…`). */
  readonly chunkedSigning: boolean;
  readonly range: boolean;
  /** The request asks the provider to call an application server after storing. */
  readonly callback: boolean;
  /** Bytes of the object in the body: `x-amz-decoded-content-length`, else `Content-Length`. */
  readonly size: number | undefined;
  /** IP address of the client. */
  readonly client: string;
}
