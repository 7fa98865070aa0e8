import { Secrets } from '../record/secrets.ts';
import type { ErrorFields } from './error-match.ts';

/**
 * What is told, less what was signed with and whose key it was: a rule file goes into repositories and tickets. It keeps
 * its length and its layout, as the rules that were recorded do.
 */
export function withoutSecrets(told: ErrorFields): ErrorFields {
  const { body, fields, headers } = told;
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
  return removed.length === 0 ? told : { ...told, ...clean, masked: removed };
}
