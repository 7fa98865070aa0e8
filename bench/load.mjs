// Puts load on one URL over 16 connections, by wrk if it is installed, else by a small Node client.
import { execFile, spawnSync } from 'node:child_process';
import http from 'node:http';
import { promisify } from 'node:util';

const CONNECTIONS = 16;

/** Name of the client that puts the load on. */
export const client = spawnSync('wrk', ['-v']).error ? 'a Node client' : 'wrk';

/** Returns the requests per second that `url` answered during `seconds`. */
export async function requestRate(url, seconds) {
  return client === 'wrk' ? wrkRate(url, seconds) : nodeRate(url, seconds);
}

async function wrkRate(url, seconds) {
  const { stdout } = await promisify(execFile)('wrk', ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, url]);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`not every request was answered:\n${stdout}`);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1]);
}

async function nodeRate(url, seconds) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const end = performance.now() + seconds * 1000;
  let answered = 0;
  const worker = async () => {
    while (performance.now() < end) {
      await get(url, agent);
      answered += 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  agent.destroy();
  return answered / seconds;
}

function get(url, agent) {
  return new Promise((resolve, reject) => {
    http
      .get(url, { agent }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
        response.resume().once('end', resolve);
      })
      .once('error', reject);
  });
}
