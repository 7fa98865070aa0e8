import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const openssl = (folder: string, ...args: string[]) => promisify(execFile)('openssl', args, { cwd: folder });

/** Certificate authority for one test run, and its certificate for `localhost` and 127.0.0.1. */
export interface Certificates {
  /** PEM file of the authority, for `--ca`. */
  readonly caFile: string;
  readonly ca: string;
  /** Key of the certificate, for `https.createServer`. */
  readonly key: string;
  readonly cert: string;
  remove(): Promise<void>;
}

/** Makes the certificates in a new folder by openssl. */
export async function makeCertificates(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'brownout-tls-'));
  const file = (name: string) => join(folder, name);
  const elliptic = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl(
    folder,
    'req',
    '-x509',
    ...elliptic,
    '-days',
    '2',
    '-subj',
    '/CN=brownout test CA',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  );
  await openssl(
    folder,
    'req',
    ...elliptic,
    '-subj',
    '/CN=localhost',
    '-keyout',
    'server.key',
    '-out',
    'server.csr',
  );
  await writeFile(file('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  await openssl(
    folder,
    ...[
      'x509',
      '-req',
      '-in',
      'server.csr',
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '2',
    ],
    ...['-extfile', 'names', '-out', 'server.pem'],
  );
  return {
    caFile: file('ca.pem'),
    ca: await readFile(file('ca.pem'), 'utf8'),
    key: await readFile(file('server.key'), 'utf8'),
    cert: await readFile(file('server.pem'), 'utf8'),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
