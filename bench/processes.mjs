// Parts of a measurement: proxies in separate processes, an upstream in this one, and large transfers through them.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { scratchFolder } from './scratch.mjs';

/** Starts brownout in front of this upstream, with these rules. */
export function startBrownout(upstream, rules) {
  const file = join(scratchFolder(), 'rules.yaml');
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ provider: 'aws-s3', rules }));
  const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
  const ports = ['--port', '0', '--admin-port', '0'];
  return startProxy([cli, 'serve', '--upstream', upstream, '--rules', file, ...ports]);
}

/** Starts a Node program that prints where it listens. */
export async function startProxy(args) {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  const url = await new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${args[0]} ended with ${code}\n${printed}`)));
    child.stdout.on('data', (chunk) => {
      printed += chunk;
      const line = /proxy listening on (\S+)/.exec(printed);
      if (line) resolve(line[1]);
    });
  });
  return { url, pid: child.pid, stop: () => child.kill('SIGTERM') };
}

/** Starts an upstream that reads and drops each PUT, and answers a GET with as many bytes as its `x-bytes` header says. */
export async function startSink() {
  const block = Buffer.alloc(256 * 1024, 'x');
  const server = http.createServer((request, response) => {
    if (request.method === 'PUT') {
      request.resume().once('end', () => response.end());
      return;
    }
    let left = Number(request.headers['x-bytes']);
    response.writeHead(200, { 'Content-Length': left });
    const fill = () => {
      while (left > 0) {
        const chunk = block.subarray(0, left);
        left -= chunk.length;
        if (!response.write(chunk)) return response.once('drain', fill);
      }
      return response.end();
    };
    fill();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}

/** Moves that many bytes up (PUT) or down (GET). */
export function move(url, method, bytes) {
  return new Promise((resolve, reject) => {
    const block = Buffer.alloc(256 * 1024, 'x');
    const isUpload = method === 'PUT';
    const headers = isUpload ? { 'Content-Length': bytes } : { 'x-bytes': bytes };
    const request = http.request(url, { method, headers }, (response) => {
      response.resume().once('end', resolve).once('error', reject);
    });
    request.once('error', reject);
    let left = isUpload ? bytes : 0;
    const fill = () => {
      while (left > 0) {
        const chunk = block.subarray(0, left);
        left -= chunk.length;
        if (!request.write(chunk)) return request.once('drain', fill);
      }
      return request.end();
    };
    fill();
  });
}

export function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
