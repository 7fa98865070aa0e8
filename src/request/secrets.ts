import { decode } from './target.ts';

/**
 * Names of headers and query parameters whose values let others act as the sender: signatures of all schemes, session
 * tokens, passwords, keys of SSE-C. An access key id or a continuation token is no secret.
 */
const SECRET =
  /signature(?![-_]?(?:version|method))|^sign?$|_sig$|(?<!continuation-)token|secret|passw|-pass$|cookie|authorization|(?:auth|api|customer)[-_]?key$/i;

/** Text in place of a secret value. No signature contains it, and no URL must encode it. */
export const MASK = '***';

/** Tells whether the value of a header or a query parameter is a secret. The case of the name does not matter. */
export function isSecret(name: string): boolean {
  return SECRET.test(name);
}

/** Returns the target of a request with the secret values masked, such as the signature of a presigned URL. */
export function withoutSecrets({
  target,
  query,
}: {
  readonly target: string;
  readonly query: ReadonlyMap<string, string>;
}): string {
  for (const name of query.keys()) if (isSecret(name)) return maskSecrets(target);
  return target;
}

function maskSecrets(target: string): string {
  const start = target.indexOf('?') + 1;
  const pairs = target.slice(start).split('&');
  const kept = pairs.map((pair) => {
    const [name = ''] = pair.split('=', 1);
    return name.length < pair.length && isSecret(decode(name)) ? `${name}=${MASK}` : pair;
  });
  return target.slice(0, start) + kept.join('&');
}
