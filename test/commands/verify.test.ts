import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runCli } from '../support/run-cli.ts';

const AWS_PUT = ['node', 'test/fixtures/clients/aws-put.mjs'];

/** Environment of a client, without our keys and region. */
const NO_AWS = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => name.startsWith('AWS_'))
    .map((name) => [name, undefined]),
);

const SLOW_DOWN = 'SlowDown: Please reduce your request rate.\nPUT https://photos.s3.amazonaws.com/cat.jpg\n';

function fileOf(name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'brownout-verify-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

/** Runs `reproduce` on a report of this text, with these flags, and this client behind `--verify`. */
function verify(
  report: string,
  client: readonly string[],
  flags: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
) {
  const args = ['reproduce', fileOf('report.txt', report), ...flags, '--verify', '--', ...client];
  return runCli(args, { ...NO_AWS, ...env });
}

const curl = (...args: readonly string[]) => ['curl', '-sS', '--max-time', '20', ...args];
const shell = (script: string) => ['sh', '-c', script];
const node = (script: string) => ['node', '--input-type=module', '-e', script];

/** Returns true if a process with this text in its command line is running. */
async function isRunning(mark: string): Promise<boolean> {
  const child = spawn('ps', ['-eo', 'stat,args'], { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  await once(child, 'close');
  return text.split('\n').some((line) => line.includes(mark) && !line.startsWith('Z'));
}

describe('brownout reproduce --verify: a client that ends like the customer’s', () => {
  it('exits with 0 for an AWS SDK that fails with the error, and compares it field by field', async () => {
    const { code, stdout, stderr } = await verify(SLOW_DOWN, [...AWS_PUT, 'photos', 'cat.jpg', '2']);
    expect([code, stdout], stderr).toEqual([0, '']);
    expect(stderr).toMatch(/^verify: proxy listening on http:\S+, in front of the embedded store$/m);
    expect(stderr).toMatch(/^verify: the client is given made-up AWS keys/m);
    expect(stderr).toMatch(/^verify: the client ended in the same error: exit 1$/m);
    expect(stderr).toContain('verify:   code: SlowDown, as in the report\n');
    expect(stderr).toContain('verify:   status: 503, as in the rule\n');
    expect(stderr).toContain('verify:   message: "Please reduce your request rate.", as in the report\n');
    expect(stderr).toContain('verify:   report.txt#1: matched 2, fired 2\n');
  });

  it('reads the error from the output of curl, although its exit code is 0', async () => {
    const { code, stdout, stderr } = await verify(SLOW_DOWN, curl('-T', 'LICENSE', '{url}/photos/cat.jpg'));
    expect(stdout).toContain('<Code>SlowDown</Code>');
    expect(stderr).toContain('verify: the client ended in the same error: exit 0\n');
    expect(code).toBe(0);
  });

  it('accepts a status if the client prints no more', async () => {
    const { code, stderr } = await verify(SLOW_DOWN, curl('-fT', 'LICENSE', '{url}/photos/cat.jpg'));
    expect(stderr).toContain('code: SlowDown in the report, and the client says nothing of it\n');
    expect(code).toBe(0);
  });

  it('compares the request id with that of the report', async () => {
    const report = readFileSync('test/fixtures/reports/oss-xml-CallbackFailed.txt', 'utf8');
    const client = curl('-T', 'LICENSE', '-H', 'Host: bucket-a.oss-cn-hangzhou.aliyuncs.com', '{url}/k');
    const same = await verify(report, client);
    expect(same.stderr).toContain('verify:   request id: 65E2F0A10123456789ABCDEF, as in the report\n');
    expect(same.code).toBe(0);
    const other = await verify(report, ['sh', '-c', `"$@" | sed s/65E2F0A1/65E2F0A2/`, 'sh', ...client]);
    expect(other.stderr).toContain('65E2F0A20123456789ABCDEF, but 65E2F0A10123456789ABCDEF in the report\n');
    expect(other.code).toBe(1);
  });

  it('takes the last of several errors', async () => {
    const report = `${SLOW_DOWN}${'\n'.repeat(900)}An error occurred (AccessDenied) when calling the GetObject operation: Access Denied`;
    const put = 'curl -sST LICENSE "$1/photos/cat.jpg"';
    const both = await verify(report, ['sh', '-c', `${put}; curl -sS "$1/b/k"`, 'sh', '{url}']);
    expect(both.stderr).toContain('verify:   code: AccessDenied, as in the report\n');
    expect(both.code).toBe(0);
    const first = await verify(report, ['sh', '-c', put, 'sh', '{url}']);
    expect(first.stderr).toContain('verify:   code: SlowDown, but AccessDenied in the report\n');
    expect(first.code).toBe(1);
  });

  it.each([
    [
      'a reset during the upload',
      'PutObject: write tcp 10.0.0.1:1->10.0.0.2:2: write: connection reset by peer',
      '200000',
    ],
    [
      'a time-out',
      'PutObject: net/http: request canceled (Client.Timeout exceeded while awaiting headers)',
      '1',
    ],
  ])('recognises %s by its kind', async (_, report, bytes) => {
    const file = fileOf('body', 'x'.repeat(Number(bytes)));
    const { code, stderr } = await verify(report, curl('--max-time', '1', '-T', file, '{url}/photos/k'));
    expect(stderr).toMatch(
      /^verify: {3}connection: a (?:connection that was|time-out).*, as in the report$/m,
    );
    expect(code, stderr).toBe(0);
  });
});

describe('brownout reproduce --verify: a client that ends otherwise', () => {
  it('coped: its last answer was a success; --expect cope exits with 0', async () => {
    const made = await runCli(['reproduce', fileOf('report.txt', SLOW_DOWN)]);
    const rules = fileOf(
      'ticket.yaml',
      made.stdout.replace(/^( +)fault:/m, '$1trigger: { limit: 1 }\n$1fault:'),
    );
    const client = [...AWS_PUT, 'photos', 'cat.jpg', '3'];
    const { code, stdout, stderr } = await verify(SLOW_DOWN, client, ['--rules', rules]);
    expect([code, stdout], stderr).toEqual([1, 'stored\n']);
    expect(stderr).toMatch(
      /^verify: the client coped: exit 0, and what met the fault was sent again and answered/m,
    );
    const expected = await verify(SLOW_DOWN, client, ['--rules', rules, '--expect', 'cope']);
    expect(expected.code).toBe(0);
    // A client that gives up does not cope.
    const old = await verify(
      SLOW_DOWN,
      [...AWS_PUT, 'photos', 'cat.jpg', '1'],
      ['--rules', rules, '--expect', 'cope'],
    );
    expect(old.stderr).toContain('verify: the client ended in the same error: exit 1\n');
    expect(old.code).toBe(1);
  });

  it('coped or did not notice: it printed no error', async () => {
    const { code, stderr } = await verify(
      SLOW_DOWN,
      curl('-o', '/dev/null', '-T', 'LICENSE', '{url}/photos/cat.jpg'),
    );
    expect(stderr).toContain(
      'verify: the client coped, or has not noticed: exit 0, and no such error in what it',
    );
    expect(code).toBe(1);
  });

  it('ended in another error', async () => {
    const script = `await fetch(process.env.BROWNOUT_URL + '/photos/cat.jpg', { method: 'PUT' });
      console.error('AccessDenied: Access Denied'); process.exit(4);`;
    const { code, stderr } = await verify(SLOW_DOWN, node(script));
    expect(stderr).toMatch(/^verify: the client ended in another error: exit 4, AccessDenied 403$/m);
    expect(stderr).toContain('verify:   code: AccessDenied, but SlowDown in the report\n');
    expect(code).toBe(1);
  });

  it('failed with other words, or by a signal', async () => {
    const put = 'curl -sS -o /dev/null -T LICENSE "$BROWNOUT_URL/photos/cat.jpg"';
    const words = await verify(SLOW_DOWN, ['sh', '-c', `${put}; echo no luck; exit 3`]);
    expect(words.stderr).toContain(
      'not in the same error: exit 3, and no error of an object store in what it',
    );
    expect([words.code, words.stdout]).toEqual([1, 'no luck\n']);
    const killed = await verify(SLOW_DOWN, ['sh', '-c', `${put}; kill -SEGV $$`]);
    expect(killed.stderr).toContain('not in the same error: killed by SIGSEGV');
    expect(killed.code).toBe(1);
  });

  it('never asked for that object: the sentence says what it asked for, and gives a hint', async () => {
    const { code, stderr } = await verify(SLOW_DOWN, [...AWS_PUT, 'films', 'cat.mp4', '1']);
    expect(stderr).toContain('verify: the client never met the fault: exit 0\n');
    expect(stderr).toContain(
      'verify:   SlowDown 503 is for PutObject, bucket photos, key cat.jpg. it sent:\n',
    );
    expect(stderr).toMatch(/^verify: {5}PutObject films\/cat\.mp4 → 200 /m);
    expect(stderr).toContain('change what it matches, and give it by --rules');
    expect(code).toBe(1);
  });

  it('never reached the proxy, although it ended with the same error', async () => {
    const { code, stderr } = await verify(SLOW_DOWN, [
      'sh',
      '-c',
      'echo SlowDown: Please reduce your request rate.; exit 1',
    ]);
    expect(stderr).toContain('verify: the client never met the fault: exit 1, SlowDown 503\n');
    expect(stderr).toContain('it sent nothing to the proxy. its address is AWS_ENDPOINT_URL');
    expect(code).toBe(1);
  });

  it('matched a rule whose fault could not act', async () => {
    const report = readFileSync('test/fixtures/reports/delete-result-AccessDenied.txt', 'utf8');
    const body = '<Delete><Object><Key>a</Key></Object></Delete>';
    const { code, stderr } = await verify(report, curl('-d', body, '{url}/bucket-a?delete'));
    expect(stderr).toMatch(/^verify: {5}DeleteObjects bucket-a → 404 NoSuchBucket, the upstream's own/m);
    expect(stderr).toContain('there was nothing to break in the answer');
    expect(code, stderr).toBe(1);
  });

  it('hangs: it is stopped after --timeout, with its child processes', async () => {
    const mark = `4${process.pid}`;
    const put = 'curl -sS -T LICENSE "$BROWNOUT_URL/photos/k"';
    const { code, stderr } = await verify(
      'PutObject: read timeout=60: Read timed out.',
      ['sh', '-c', `trap "" TERM; sleep ${mark} & ${put}; sleep ${mark}`],
      ['--timeout', '1s'],
    );
    expect(stderr).toContain('verify: the client did not end by itself: stopped after 1s\n');
    expect(code).toBe(1);
    expect(await isRunning(`sleep ${mark}`)).toBe(false);
  });
});

describe('brownout reproduce --verify: the client’s process', () => {
  it('has both outputs passed on, even 100 MB', async () => {
    const script =
      'yes "INFO all is well" | head -c 100000000; curl -sSfT LICENSE "$BROWNOUT_URL/photos/cat.jpg"';
    const { code, stdout, stderr } = await verify(SLOW_DOWN, ['sh', '-c', script]);
    expect(stdout.length).toBe(100_000_000);
    expect(stderr).toContain('curl: (22) The requested URL returned error: 503');
    expect(stderr).toContain('verify:   of what it printed, the first and the last 512KiB were read\n');
    expect(code).toBe(0);
  });

  it('gets the address of the proxy, and keeps its own keys', async () => {
    const script = `console.log(process.argv[1], process.argv[2], process.argv[3], process.env.AWS_ENDPOINT_URL,
      process.env.AWS_ENDPOINT_URL_S3, process.env.AWS_ACCESS_KEY_ID, process.env.AWS_REGION);`;
    const report = fileOf('report.txt', SLOW_DOWN);
    const args = [
      'reproduce',
      report,
      '--verify',
      ...node(script),
      '--',
      '{url}/b',
      '{host}',
      '%{url} {port}',
    ];
    const own = await runCli(args, { ...NO_AWS, AWS_ACCESS_KEY_ID: 'OWN', AWS_REGION: 'eu-west-1' });
    const [, url = '', port = ''] = /^(http:\/\/127\.0\.0\.1:(\d+))\/b /.exec(own.stdout) ?? [];
    expect(own.stdout).toBe(`${url}/b 127.0.0.1 %{url} ${port} ${url} ${url} OWN eu-west-1\n`);
    expect(own.stderr).not.toContain('made-up');
  });

  it('goes to a real upstream with its own keys, or not at all', async () => {
    const script = 'console.log(process.env.AWS_ACCESS_KEY_ID)';
    const { stdout, stderr } = await verify(SLOW_DOWN, node(script), ['--upstream', 'http://127.0.0.1:9']);
    expect(stdout).toBe('undefined\n');
    expect(stderr).toContain(', in front of http://127.0.0.1:9\n');
  });

  it('gets Ctrl-C, and brownout ends after it', async () => {
    const mark = `5${process.pid}`;
    const script = `trap "echo it was told; exit 3" INT; sleep ${mark} & echo begun; wait`;
    const args = ['dist/cli.js', 'reproduce', fileOf('report.txt', SLOW_DOWN), '--verify', ...shell(script)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    let printed = '';
    child.stdout.on('data', (chunk) => {
      printed += chunk;
      if (printed === 'begun\n') child.kill('SIGINT');
    });
    expect(await once(child, 'close')).toEqual([null, 'SIGINT']);
    expect(printed).toBe('begun\nit was told\n');
    expect(await isRunning(`sleep ${mark}`)).toBe(false);
  });

  it('cannot bypass the proxy by its environment', async () => {
    const script = 'echo "$NO_PROXY $no_proxy [$AWS_IGNORE_CONFIGURED_ENDPOINT_URLS]"';
    const { stdout } = await verify(SLOW_DOWN, shell(script), [], {
      NO_PROXY: 'storage.example',
      AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true',
    });
    expect(stdout).toBe('storage.example,127.0.0.1 storage.example,127.0.0.1 []\n');
  });

  it('leaves no child process behind, and brownout does not wait for any', async () => {
    const mark = `6${process.pid}`;
    await verify(SLOW_DOWN, ['sh', '-c', `sleep ${mark} & exit 0`]);
    expect(await isRunning(`sleep ${mark}`)).toBe(false);
  });

  it('goes on when its output is closed', async () => {
    const script = 'yes | head -c 1000000; curl -sSfT LICENSE "$BROWNOUT_URL/photos/cat.jpg"';
    const args = ['dist/cli.js', 'reproduce', fileOf('report.txt', SLOW_DOWN), '--verify', ...shell(script)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    child.stderr.resume();
    expect(await once(child, 'close')).toEqual([0, null]);
  });

  it('cannot print control characters in the name of brownout', async () => {
    const script =
      'curl -sS -o /dev/null -T LICENSE "$1/photos/cat.jpg"; printf "<Error><Code>AccessDenied</Code><Message>a \\033[2Jb &#x1b;[2J</Message></Error>"';
    const { stderr } = await verify(SLOW_DOWN, ['sh', '-c', script, 'sh', '{url}']);
    expect(stderr).toContain('verify: the client ended in another error');
    expect(stderr).not.toContain('\u001b');
  });

  it.each<[string, readonly string[], readonly string[], number, string]>([
    ['no such command', [], ['no-such-command'], 2, 'error: there is no command "no-such-command"\n'],
    ['no program', [], ['/'], 2, 'error: "/" cannot be run: no permission\n'],
    ['no client', [], [], 2, 'error: --verify comes last, with the command of a client behind it'],
    ['--json', ['--json'], ['true'], 2, 'error: --json says what was found; it does not go with --verify\n'],
    ['bad --expect', ['--expect', 'luck'], ['true'], 2, 'Allowed choices are same, cope.'],
    ['bad --upstream', ['--upstream', 'minio'], ['true'], 2, '"minio" is no upstream'],
    [
      'no such rules',
      ['--rules', 'no/such.yaml'],
      ['true'],
      1,
      'no/such.yaml: there is no such file or folder [bad-file]\n',
    ],
  ])('%s: exit code and sentence', async (_, flags, client, code, sentence) => {
    const run = await verify(SLOW_DOWN, client, flags);
    expect(run.stderr).toContain(sentence);
    expect([run.code, run.stdout]).toEqual([code, '']);
  });

  it('is everything after --verify; flags without a client are a mistake', async () => {
    const report = fileOf('report.txt', SLOW_DOWN);
    const late = await runCli(['reproduce', report, '--verify', '--timeout', '1s', 'true']);
    expect(late.stderr).toBe(
      'error: "--timeout" is no command; flags of brownout come before --verify, a client\'s behind its name\n',
    );
    expect(late.code).toBe(2);
    const lone = await runCli(['reproduce', report, '--timeout', '1s']);
    expect(lone.stderr).toBe('error: --timeout is for a client that is run by --verify, which comes last\n');
    expect(lone.code).toBe(2);
  });

  it('is not run if the report makes no rule', async () => {
    const { code, stdout, stderr } = await verify(
      'Code: NobodyKnowsThis\nNobodyKnowsThis: <Error><Code>NobodyKnowsThis</Code></Error>',
      ['echo', 'hi'],
    );
    expect([code, stdout], stderr).toEqual([1, '']);
    expect(stderr).toContain('error: the errors of report.txt make no rule');
  });
});
