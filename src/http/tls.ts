import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

/** TLS identity of a server in PEM: its certificate, with the chain above it if there is one, and its key. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** Reads an identity from PEM files. Throws an Error if only one file is given, or if they do not belong together. */
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
    throw new Error(`"${certFile}" and "${keyFile}" are not a certificate and its key in PEM: ${why}`, {
      cause,
    });
  }
  return identity;
}

/** Reads a PEM file. Throws an Error that names the file's purpose if it cannot. */
export function readPem(file: string, noun: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the ${noun}'s file "${file}" cannot be read: ${why}`, { cause });
  }
}
