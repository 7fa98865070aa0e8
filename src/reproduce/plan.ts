import type { Finding } from './finding.ts';

/** Number of times that a rule of a chain fires, with its description. */
export interface RuleLimit {
  /** Number of times; left out: no limit. */
  readonly limit?: number | undefined;
  readonly why: string;
}

/**
 * Attempts that clients make by default before they print their last error, by the format of it; what is not listed prints each
 * answer. AWS: the standard mode of its SDKs (botocore's legacy mode: 5, Java 1 and JavaScript 2: 4); the others: their sources.
 */
export const ATTEMPTS: ReadonlyMap<string, number> = new Map([
  ['AWS SDK for Java', 4],
  ['AWS SDK for Go 1', 4],
  ['AWS SDK for Go 2', 3],
  ['AWS SDK for PHP', 4],
  ['AWS SDK for Rust', 3],
  ['boto3, aws-cli', 5],
  ['ResponseMetadata of boto3', 5],
  ['stack of a JavaScript SDK (AWS 2 and 3, ali-oss, minio)', 3],
  ['error object of a JavaScript SDK', 3],
  ['OSS Java SDK', 4],
  ['OSS Go and Python SDK 2', 3],
  ['OBS Java SDK', 4],
  ['OBS Go SDK, Terraform', 4],
  ['Hadoop s3a', 4],
  ['broken connections and time-outs', 3],
]);

/**
 * Makes a client end as the text says, in its order: the last error does not end, as the client ended in it; each before it
 * ends when the client has used up its attempts, so that it fails there and goes on to what comes next.
 */
export function turnOf(finding: Finding, isLast: boolean): RuleLimit {
  if (isLast) return { why: 'the last one, so the rule fails however often the client tries' };
  const { retries, times, formats } = finding;
  const usual = ownAttempts(finding) ?? Math.max(1, ...formats.map((format) => ATTEMPTS.get(format) ?? 1));
  if (retries !== undefined) {
    // Some programs print one error for all attempts, others one for each attempt.
    const limit = usual > 1 ? (retries + 1) * times : Math.max(times, retries + 1);
    return { limit, why: `${limit} attempts in the text; the rule fails as often` };
  }
  if (usual === 1 || !isTriedAgain(finding))
    return { limit: times, why: `${times === 1 ? 'once' : `${times} times`}; the rule fails as often` };
  return {
    limit: usual * times,
    why: `${times === 1 ? 'once' : `${times} times`}, after as many attempts as the client makes, which the text does not count: by default ${usual}, so the rule fails ${usual * times} times; with another client change the limit`,
  };
}

/** Attempts of the provider's own SDK, where it prints errors in the format of another SDK that tries more often or less. */
function ownAttempts({ provider, formats }: Finding): number | undefined {
  const sdk = Object.entries(provider.attempts).find(([language]) =>
    formats.some((format) => format.includes(language)),
  );
  return sdk?.[1];
}

/** Tells whether SDKs retry an error: a broken connection, an error that the provider calls retryable, or a server error. */
function isTriedAgain({ network, entry, status = 0 }: Finding): boolean {
  return network !== undefined || (entry?.retryable ?? (status >= 500 || status === 429 || status === 408));
}
