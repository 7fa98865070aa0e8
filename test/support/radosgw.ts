import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Keys } from './clients.ts';
import { freePort } from './ports.ts';
import { presign } from './presign.ts';

const SCRIPT = fileURLToPath(new URL('radosgw.sh', import.meta.url));

/** Address of a running radosgw, with the keys of a user. */
export interface RadosgwAddress {
  readonly url: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

/** Running radosgw. */
export interface Radosgw extends RadosgwAddress {
  stop(): Promise<void>;
}

/** Installs radosgw if it is missing. Rejects with the reason if it cannot. */
export async function installRadosgw(): Promise<void> {
  await promisify(execFile)('bash', [SCRIPT, 'install']);
}

/** Starts Ceph's radosgw on free ports of 127.0.0.1: a real S3 backend that checks signatures, with objects in memory. */
export async function startRadosgw(): Promise<Radosgw> {
  const folder = await mkdtemp(join(tmpdir(), 'brownout-radosgw-'));
  const [port, monitorPort] = [await freePort(), await freePort()];
  const child = spawn('bash', [SCRIPT, 'run', folder, String(port), String(monitorPort)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (text: Buffer) => {
    complaint += text.toString();
  });
  const exited = once(child, 'exit');

  const [firstLine] = await Promise.race([once(createInterface(child.stdout), 'line'), exited]);
  const [word, accessKey, secretKey] = String(firstLine).split(' ');
  if (word !== 'ready' || accessKey === undefined || secretKey === undefined) {
    throw new Error(`radosgw did not start: ${complaint || `see ${folder}`}`);
  }
  return {
    url: `http://127.0.0.1:${port}`,
    accessKey,
    secretKey,
    async stop() {
      child.stdin.end();
      await exited;
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Creates another user and returns its keys. Each user needs another name (Ceph, "Admin Operations"). */
export async function createUser(backend: RadosgwAddress, name: string): Promise<Keys> {
  const keys = { accessKey: `ACCESS${name}`, secretKey: `secret-of-${name}` };
  const parameters = {
    'access-key': keys.accessKey,
    'secret-key': keys.secretKey,
    'display-name': name,
    uid: name,
  };
  const answer = await fetch(presign('PUT', `${backend.url}/admin/user`, backend, parameters), {
    method: 'PUT',
  });
  if (!answer.ok) throw new Error(`radosgw made no user: ${answer.status} ${await answer.text()}`);
  return keys;
}
