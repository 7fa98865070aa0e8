import { DEFAULT_PROVIDER } from '../catalog/catalog.ts';
import type { Subject } from '../catalog/document.ts';
import { signerOf } from '../catalog/recognition.ts';
import type { Facts } from '../request/facts.ts';

/** Returns the facts of a request that error documents contain. */
export function subjectOf(facts: Facts): Subject {
  const { method, host, bucket, key, part, uploadId, range, scheme } = facts;
  // The body of a POST is a document or a form, not the object.
  const size = method === 'PUT' ? facts.size : undefined;
  const awsSigned = scheme !== undefined && signerOf(scheme)?.provider === DEFAULT_PROVIDER;
  return { method, host, bucket, key, part, uploadId, range, size, awsSigned };
}
