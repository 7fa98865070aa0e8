// Upstream with a fixed 4 KiB object: nginx if it is installed, else a small Node server.
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { scratchFolder } from './scratch.mjs';

/** Starts the upstream; `kind` says which one was started. */
export async function startUpstream() {
  return spawnSync('nginx', ['-v']).error ? startNode() : startNginx();
}

async function startNginx() {
  const folder = scratchFolder();
  const port = await freePort();
  writeFileSync(join(folder, 'object'), Buffer.alloc(4096, 'x'));
  const config = join(folder, 'nginx.conf');
  writeFileSync(
    config,
    `worker_processes 1; daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
user root;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 10000000;
  client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
  uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  server { listen 127.0.0.1:${port}; location / { root ${folder}; } }
}`,
  );
  const child = spawn('nginx', ['-c', config, '-e', join(folder, 'error.log')], { stdio: 'inherit' });
  await untilListening(port);
  return { kind: 'nginx', url: `http://127.0.0.1:${port}`, stop: () => child.kill('SIGTERM') };
}

async function startNode() {
  const body = Buffer.alloc(4096, 'x');
  const server = http.createServer((_, response) => {
    response.writeHead(200, { 'Content-Length': body.length });
    response.end(body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { kind: 'a Node server', url: `http://127.0.0.1:${server.address().port}`, stop };
}

/** Finds a free port of 127.0.0.1, for programs that cannot listen on port 0. */
export function freePort() {
  return new Promise((resolve) => {
    const probe = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function untilListening(port) {
  for (let tries = 0; tries < 100; tries += 1) {
    const isUp = await new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing listens on port ${port}`);
}
