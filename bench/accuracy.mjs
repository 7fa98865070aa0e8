// Measures how exact delays and throttles are, and what stalls cost while they last.
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { median, move, startBrownout, startSink } from './processes.mjs';

const MIB = 1024 ** 2;
const SECONDS = 5;
const STALLS = 500;

/** Delays in ms, with the number of requests that measure each. */
const DELAYS = [
  [50, 40],
  [500, 10],
];

/** Rates in bytes per second, with their notation in a rule. */
const RATES = [
  [64 * 1024, '64KiB'],
  [50 * MIB, '50MiB'],
];

/** Prints how far delays and throttles are off, in ms and percent, and the CPU time that stalls take. */
export async function benchAccuracy() {
  const sink = await startSink();
  const ours = await startBrownout(sink.url, [
    ...DELAYS.map(([ms]) => ({ match: { key: `delay-${ms}` }, fault: { delay: `${ms}ms` } })),
    ...RATES.map(([, rate]) => ({ match: { key: `throttle-${rate}` }, fault: { throttle: rate } })),
  ]);
  await benchDelay(`${ours.url}/bucket`);
  await benchThrottle(`${ours.url}/bucket`);
  for (const each of [ours, sink]) each.stop();
  for (const at of ['headers', 'body:5B']) await benchStall(at);
}

async function benchDelay(bucket) {
  const without = median(await times(200, () => move(`${bucket}/plain`, 'GET', 1)));
  for (const [ms, count] of DELAYS) {
    const errors = (await times(count, () => move(`${bucket}/delay-${ms}`, 'GET', 1))).map(
      (took) => took - ms - without,
    );
    console.log(
      `delay of ${ms} ms: ${signed(median(errors))} ms off in the middle of ${count}, ${signed(Math.min(...errors))} to ${signed(Math.max(...errors))} ms`,
    );
  }
}

async function benchThrottle(bucket) {
  for (const [bytesPerSecond, rate] of RATES) {
    for (const method of ['PUT', 'GET']) {
      const [took] = await times(1, () =>
        move(`${bucket}/throttle-${rate}`, method, bytesPerSecond * SECONDS),
      );
      const percent = ((SECONDS * 1000) / took - 1) * 100;
      const way = method === 'PUT' ? 'up' : 'down';
      console.log(
        `throttle to ${rate}/s ${way}: ${signed(percent)} % off over ${SECONDS} s (wanted: 3 at most)`,
      );
    }
  }
}

/** Stalls many clients at once. Prints the CPU time of the proxy, and how fast it frees connections when they leave. */
async function benchStall(at) {
  const open = new Set();
  const upstream = net.createServer((socket) => {
    open.add(socket);
    socket.resume().on('error', () => {});
    socket.once('close', () => open.delete(socket));
  });
  await new Promise((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const ours = await startBrownout(`http://127.0.0.1:${upstream.address().port}`, [{ fault: { stall: at } }]);
  const clients = Array.from({ length: STALLS }, () => net.connect(new URL(ours.url).port, '127.0.0.1'));
  for (const client of clients)
    client.write('PUT /bucket/key HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789');
  await sleep(2000);
  const before = cpuTime(ours.pid);
  await sleep(SECONDS * 1000);
  const used = cpuTime(ours.pid) - before;
  const connections = open.size;
  const leftAt = performance.now();
  for (const client of clients) client.destroy();
  while (open.size > 0) await sleep(1);
  const freed =
    connections === 0
      ? 'no upstream connection to free'
      : `${connections} upstream connections free ${(performance.now() - leftAt).toFixed(0)} ms after the clients left`;
  console.log(`${STALLS} stalls at ${at}: ${used} ms of CPU in ${SECONDS} s, ${freed} (wanted: 100 at most)`);
  ours.stop();
  upstream.close();
}

/** Runs something `count` times, one after the other. Returns how long each run took, in ms. */
async function times(count, run) {
  const took = [];
  for (let nth = 0; nth < count; nth += 1) {
    const started = performance.now();
    await run();
    took.push(performance.now() - started);
  }
  return took;
}

/** Returns the CPU time of a process in ms. Linux counts in ticks of 10 ms. */
function cpuTime(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function signed(number) {
  return `${number < 0 ? '' : '+'}${number.toFixed(2)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await benchAccuracy();
