// npm run clients: runs real clients against each fault, and writes the table in docs/clients.md. Each cell is one run:
// brownout in front of the embedded store, one rule that always fires, one call.
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { startProxy } from 'brownout';
import { CLIENTS } from './adapters.mjs';

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = '1';

const PAGE = new URL('../docs/clients.md', import.meta.url);
const BEGIN = '<!-- written by npm run clients -->';
const END = '<!-- end -->';
const LONGEST = 20_000;

/** Rows of the table: call, title and fault. */
const CASES = [
  ['put', '`error: SlowDown`', '{ error: SlowDown }'],
  ['put', '`error: SlowDown`, `at: body:50%`', '{ error: { code: SlowDown, at: body:50% } }'],
  ['put', '`error: RequestTimeout`', '{ error: { code: RequestTimeout, after: 100ms } }'],
  ['put', '`error: InternalError`, `at: commit`', '{ error: { code: InternalError, at: commit } }'],
  ['complete', '`at: embedded`', '{ error: { code: InternalError, at: embedded } }'],
  [
    'complete',
    '`at: embedded`, newline',
    '{ error: { code: InternalError, at: embedded, trailingNewline: true } }',
  ],
  ['complete', '`at: embedded`, padded', '{ error: { code: InternalError, at: embedded, padding: 300ms } }'],
  [
    'put',
    '`respond`: 502, HTML',
    '{ respond: { status: 502, headers: { Content-Type: text/html }, body: "<html>" } }',
  ],
  ['put', '`delay: 1s`', '{ delay: 1s }'],
  ['put', '`throttle: 1MiB`', '{ throttle: 1MiB }'],
  ['put', '`stall: body:50%`', "{ stall: 'body:50%' }"],
  ['put', '`stall: body:50%` for 1 s', '{ stall: { at: body:50%, for: 1s } }'],
  ['put', '`reset: headers`', '{ reset: headers }'],
  ['put', '`reset: body:50%`', '{ reset: body:50% }'],
  ['put', '`reset: commit`', '{ reset: commit }'],
  ['put', '`reset: commit`, FIN', '{ reset: { at: commit, with: fin } }'],
  ['get', '`reset: response:50%`', '{ reset: response:50% }'],
  ['get', '`truncate: 50%`', '{ truncate: 50% }'],
  ['get', '`truncate: 50%`, `length: sent`', '{ truncate: { at: response:50%, length: sent } }'],
  ['get', '`corrupt: download`', '{ corrupt: download }'],
  ['get', '`corrupt`, ETag only', '{ corrupt: { header: etag } }'],
  ['deleteMany', '`partial`', '{ partial: { keys: "**", code: AccessDenied } }'],
  ['put', '`duplicate`', '{ duplicate: true }'],
];

const OPERATIONS = {
  put: ['PutObject'],
  get: ['GetObject'],
  complete: ['CompleteMultipartUpload'],
  deleteMany: ['DeleteObjects'],
};

const rows = [];
for (const [call, name, fault] of CASES) {
  const cells = [];
  for (const client of CLIENTS) cells.push(await cell(client, call, fault));
  rows.push([name, call, ...cells]);
  console.log(rows.at(-1).join(' | '));
}
await writeTable(rows);

/** Runs a call and returns its cell: the number of requests and the result, such as `3× SlowDown`. */
async function cell(client, call, fault) {
  const operations = JSON.stringify(OPERATIONS[call]);
  const provider = client.provider ?? 'aws-s3';
  const proxy = await startProxy({
    upstream: 'memory:',
    rules: [
      {
        name: 'table',
        text: `provider: ${provider}\nrules: [{ match: { operation: ${operations} }, fault: ${fault} }]\n`,
      },
    ],
  });
  const direct = await startProxy({ upstream: proxy.upstreamUrl });
  try {
    const session = client.open(proxy.url);
    if (!session[call]) return '–';
    await client.open(direct.url).prepare(call);
    const outcome = await Promise.race([
      session[call]().then((result) => result ?? 'ok', nameOf),
      new Promise((resolve) => setTimeout(resolve, LONGEST, `still at it after ${LONGEST / 1000} s`).unref()),
    ]);
    return `${proxy.rules[0].fired}× ${outcome}`;
  } finally {
    await direct.close(0);
    await proxy.close(0);
  }
}

function nameOf(error) {
  const named = [error.Code, error.code, error.name === 'Error' ? undefined : error.name, error.message];
  const text = String(named.find((each) => each !== undefined && each !== '') ?? error).split('\n')[0];
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

async function versions() {
  const { stdout } = await promisify(execFile)('curl', ['--version']);
  return CLIENTS.map(({ name, version }) => `${name} ${version ?? /curl (\S+)/.exec(stdout)[1]}`);
}

async function writeTable(rows) {
  const head = ['fault', 'call', ...(await versions())];
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`);
  const page = readFileSync(PAGE, 'utf8');
  const [before, rest = ''] = page.split(BEGIN);
  const after = rest.split(END)[1];
  if (after === undefined) throw new Error(`docs/clients.md has no place for the table: ${BEGIN} … ${END}`);
  writeFileSync(PAGE, `${before}${BEGIN}\n\n${lines.join('\n')}\n\n${END}${after}`);
}
