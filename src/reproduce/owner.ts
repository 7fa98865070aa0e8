import { DEFAULT_PROVIDER, loadProvider, type Provider } from '../catalog/catalog.ts';
import {
  providerOfElements,
  providerOfHost,
  providerOfHostId,
  providerOfRequestId,
  recognitions,
} from '../catalog/recognition.ts';
import type { ErrorFields } from './error-match.ts';
import { rowsOfCode } from './known.ts';
import { timeIn } from './times.ts';

/** Provider of an error, and the reason if it was assumed. */
export interface Owner {
  readonly provider: Provider;
  /** Reason as a sentence; left out if the text has a sign of the provider, or the user named it. */
  readonly assumed?: string | undefined;
}

/** Weighs what the text has of its provider; an SDK for S3's API is no sign, as most providers answer it. */
export function ownerOf(error: ErrorFields, code: string | undefined, given: string | undefined): Owner {
  const sure = given ?? providerOf(error);
  if (sure !== undefined) return { provider: loadProvider(sure) };
  const owners = new Set(
    (code === undefined ? [] : rowsOfCode(code))
      .filter(({ entry }) => entry.code === code)
      .map((row) => row.provider.name),
  );
  const [only] = owners;
  if (only !== undefined && owners.size === 1) {
    return { provider: loadProvider(only), assumed: `only ${only} documents ${code}` };
  }
  return { provider: loadProvider(DEFAULT_PROVIDER), assumed: `${whyDefault(error)}${elsewhere(code)}` };
}

/** Returns the provider by signs of the server (ids, elements), and by hosts and headers that formats found. */
export function providerOf({ provider, hostId, requestId, fields }: ErrorFields): string | undefined {
  return ofIds(requestId, hostId) ?? providerOfElements((fields ?? []).map(([name]) => name)) ?? provider;
}

function ofIds(requestId: string | undefined, hostId: string | undefined): string | undefined {
  const byHost = hostId?.includes('.') === true ? providerOfHost(hostId) : undefined;
  if (byHost !== undefined) return byHost;
  const byHostId = hostId === undefined ? undefined : providerOfHostId(hostId);
  if (byHostId !== undefined) return byHostId;
  if (requestId === undefined || isCeph(requestId)) return undefined;
  return providerOfRequestId(requestId) ?? providerOfTimedId(requestId);
}

/** Returns the provider that writes the time into ids of this form. */
function providerOfTimedId(requestId: string): string | undefined {
  const names = recognitions().map(([name]) => name);
  return names.find((name) => timeIn(requestId, loadProvider(name).dialect.requestId));
}

function isCeph(requestId: string): boolean {
  return /^tx[0-9a-f]{6,}-/i.test(requestId);
}

function whyDefault({ requestId, api }: ErrorFields): string {
  if (requestId !== undefined && isCeph(requestId))
    return `the request id is of the kind that Ceph makes, which follows ${DEFAULT_PROVIDER}`;
  return api === 's3'
    ? `the client speaks S3's API, which others answer, too; nothing tells whose error it is: ${DEFAULT_PROVIDER}, which they follow`
    : `nothing in the text tells whose error it is: ${DEFAULT_PROVIDER}, which most others follow`;
}

/** The statuses that others document for the code, which is what there is to lose. */
function elsewhere(code: string | undefined): string {
  const rows = (code === undefined ? [] : rowsOfCode(code)).filter(({ entry }) => entry.code === code);
  const own = rows.filter((row) => row.provider.name === DEFAULT_PROVIDER).map(({ entry }) => entry.status);
  const others = new Map(
    rows
      .filter(({ provider, entry }) => provider.name !== DEFAULT_PROVIDER && !own.includes(entry.status))
      .map(({ provider, entry }) => [provider.name, entry.status]),
  );
  if (own.length === 0 || others.size === 0) return '';
  return ` (${code} is ${[...others].map(([name, status]) => `${status} at ${name}`).join(', ')})`;
}
