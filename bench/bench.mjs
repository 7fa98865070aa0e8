// npm run bench: what a request that no rule fires on costs, as a ratio to a bare http-proxy in the same run,
// and what a large upload and download do to memory.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { client, requestRate } from './load.mjs';
import { startUpstream } from './upstream.mjs';

const ROUNDS = Number(process.env.ROUNDS ?? 7);
const SECONDS = 2;
const BIG = 1024 ** 3;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

await benchRate();
await benchMemory();

/** 4 KiB GETs through both proxies in turn, so that whatever else the machine does hits both alike. */
async function benchRate() {
  const upstream = await startUpstream();
  console.log(
    `4 KiB GET from ${upstream.kind}, 16 connections by ${client}, ${ROUNDS} rounds of ${SECONDS} s`,
  );
  const bare = await startProxy([here('bare.mjs'), upstream.url]);
  const ours = await startProxy(serveArguments(upstream.url));
  const rates = { bare: [], brownout: [], direct: [] };
  for (let round = -1; round < ROUNDS; round += 1) {
    const bareRate = await requestRate(`${bare.url}/object`, SECONDS);
    const oursRate = await requestRate(`${ours.url}/object`, SECONDS);
    // The first round warms both up.
    if (round < 0) continue;
    rates.bare.push(bareRate);
    rates.brownout.push(oursRate);
  }
  rates.direct.push(await requestRate(`${upstream.url}/object`, SECONDS));
  for (const [name, list] of Object.entries(rates))
    console.log(`  ${name.padEnd(9)} ${median(list).toFixed(0)} requests/s`);
  const ratios = rates.brownout.map((rate, i) => rate / rates.bare[i]);
  console.log(`  ratio brownout / bare http-proxy: ${median(ratios).toFixed(2)} (wanted: at least 0.90)`);
  for (const each of [bare, ours, upstream]) each.stop();
}

/** A gigabyte up and a gigabyte down: resident memory must not follow. */
async function benchMemory() {
  const upstream = await startSink();
  const ours = await startProxy(serveArguments(upstream.url));
  await move(`${ours.url}/bucket/big`, 'PUT', 64 * 1024 ** 2);
  const before = residentMiB(ours.pid);
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, residentMiB(ours.pid));
  }, 50);
  for (const method of ['PUT', 'GET']) {
    const started = performance.now();
    await move(`${ours.url}/bucket/big`, method, BIG);
    const rate = BIG / 1024 ** 2 / ((performance.now() - started) / 1000);
    console.log(
      `1 GiB ${method}: ${rate.toFixed(0)} MiB/s, resident memory ${before.toFixed(0)} MiB before, ${peak.toFixed(0)} MiB at most`,
    );
  }
  clearInterval(watch);
  for (const each of [ours, upstream]) each.stop();
}

/** Twenty rules of every common shape, none of which matches the requests of this file. */
function serveArguments(upstream) {
  const rules = Array.from({ length: 20 }, (_, i) => {
    const match = [
      { method: 'PUT', path: `/photos-${i}/**` },
      { operation: ['UploadPart', 'UploadPartCopy'] },
      { bucket: `bucket-${i}`, key: '*.jpg' },
      { headers: { 'x-test': `${i}` } },
    ][i % 4];
    return { name: `rule ${i}`, match, trigger: { probability: 0.5 }, fault: { error: 'SlowDown' } };
  });
  const file = join(mkdtempSync(join(tmpdir(), 'brownout-bench-')), 'rules.yaml');
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ provider: 'aws-s3', rules }));
  return [
    here('../dist/cli.js'),
    'serve',
    '--upstream',
    upstream,
    '--rules',
    file,
    '--port',
    '0',
    '--admin-port',
    '0',
  ];
}

async function startProxy(args) {
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

/** An upstream that swallows what is PUT and sends a GET as many bytes as its `x-bytes` header asks for. */
async function startSink() {
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
        left -= block.length;
        if (!response.write(block)) return response.once('drain', fill);
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

function move(url, method, bytes) {
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
        left -= block.length;
        if (!request.write(block)) return request.once('drain', fill);
      }
      return request.end();
    };
    fill();
  });
}

function residentMiB(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
}

function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
