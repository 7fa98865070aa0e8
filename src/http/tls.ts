import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

/** Who a server is to clients that speak TLS: certificate, with those above it if there are any, and its key; PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** Reads an identity from PEM files. Throws a sentence if there is one file without the other, or if they are no pair. */
export function readIdentity(
  certFile: string | undefined,
  keyFile: string | undefined,
): Identity | undefined {
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    throw new Error('to speak TLS to clients takes a certificate and its key: give both files, or neither');
  }
  const identity = { cert: readPem(certFile, 'certificate'), key: readPem(keyFile, 'key') };
  try {
    createSecureContext(identity);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replace(/^error:[0-9A-F]+:/, '') : String(cause);
    throw new Error(`"${certFile}" and "${keyFile}" are no certificate and its key, in PEM: ${why}`, {
      cause,
    });
  }
  return identity;
}

/** Reads a PEM file; throws a sentence that says what it was to be. */
export function readPem(file: string, noun: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the ${noun}'s file "${file}" cannot be read: ${why}`, { cause });
  }
}
