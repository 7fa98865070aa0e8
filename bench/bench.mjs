// npm run bench: measures the cost of a request that no rule fires on (as a ratio to a bare http-proxy in the same run), the
// memory that a large upload and download take, and how exact the times and rates of faults are.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { benchAccuracy } from './accuracy.mjs';
import { client, requestRate } from './load.mjs';
import { median, move, startBrownout, startProxy, startSink } from './processes.mjs';
import { startUpstream } from './upstream.mjs';

const ROUNDS = Number(process.env.ROUNDS ?? 7);
const SECONDS = 2;
const BIG = 1024 ** 3;

await benchRate();
await benchMemory();
await benchAccuracy();

/** Sends 4 KiB GETs through both proxies in turn, so that other load on the machine affects both. */
async function benchRate() {
  const upstream = await startUpstream();
  console.log(
    `4 KiB GET from ${upstream.kind}, 16 connections by ${client}, ${ROUNDS} rounds of ${SECONDS} s`,
  );
  const bare = await startProxy([fileURLToPath(new URL('bare.mjs', import.meta.url)), upstream.url]);
  const ours = await startBrownout(upstream.url, passiveRules());
  const rates = { bare: [], brownout: [], direct: [] };
  for (let round = -1; round < ROUNDS; round += 1) {
    const bareRate = await requestRate(`${bare.url}/object`, SECONDS);
    const oursRate = await requestRate(`${ours.url}/object`, SECONDS);
    // The first round only warms both up.
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

/** Moves a gigabyte up and a gigabyte down. Resident memory must not grow. */
async function benchMemory() {
  const upstream = await startSink();
  const ours = await startBrownout(upstream.url, passiveRules());
  await move(`${ours.url}/bucket/big`, 'PUT', 64 * 1024 ** 2);
  const before = residentMiB(ours.pid);
  let peak = before;
  const sampling = setInterval(() => {
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
  clearInterval(sampling);
  for (const each of [ours, upstream]) each.stop();
}

/** Makes twenty rules with common conditions. None matches the requests of this file. */
function passiveRules() {
  return Array.from({ length: 20 }, (_, i) => {
    const match = [
      { method: 'PUT', path: `/photos-${i}/**` },
      { operation: ['UploadPart', 'UploadPartCopy'] },
      { bucket: `bucket-${i}`, key: '*.jpg' },
      { headers: { 'x-test': `${i}` } },
    ][i % 4];
    return { name: `rule ${i}`, match, trigger: { probability: 0.5 }, fault: { error: 'SlowDown' } };
  });
}

function residentMiB(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
}
