import { Secrets } from '../record/secrets.ts';
import type { ErrorFields } from './error-match.ts';

/**
 * Removes secrets and access keys from an error, as a rule file goes into repositories and tickets. The text keeps
 * its length and its layout, as the rules that were recorded do.
 */
export function withoutSecrets(error: ErrorFields): ErrorFields {
  const { body, fields, headers } = error;
  const secrets = new Secrets({ facts: { target: '', accessKey: undefined }, requestHeaders: [] });
  const clean = {
    ...(body === undefined ? {} : { body: { ...body, text: secrets.in(body.text) } }),
    ...(fields === undefined
      ? {}
      : { fields: fields.map(([name, value]) => [name, secrets.inHeader(name, value)] as const) }),
    ...(headers === undefined
      ? {}
      : { headers: headers.map(([name, value]) => [name, secrets.inHeader(name, value)] as const) }),
  };
  const { removed } = secrets;
  return removed.length === 0 ? error : { ...error, ...clean, masked: removed };
}
