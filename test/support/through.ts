import { onTestFinished } from 'vitest';
import { proxyTo } from './proxy.ts';
import { type RawUpstream, rawExchange, rawUpstream } from './raw.ts';

/** Smallest success with a body. */
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Starts a raw upstream, which never answers by default. Closed when the test ends. */
export async function upstreamSaying(
  answer: Parameters<typeof rawUpstream>[0] = () => {},
): Promise<RawUpstream> {
  const upstream = await rawUpstream(answer);
  onTestFinished(() => upstream.close());
  return upstream;
}

/** Sends one request, which must close its connection, through a proxy without rules. Returns the bytes that each side got. */
export async function through(request: string, answer: Parameters<typeof rawUpstream>[0] = OK) {
  const upstream = await upstreamSaying(answer);
  const { port, proxy } = await proxyTo(upstream.url);
  const answered = (await rawExchange(port, request)).toString('latin1');
  return { answered, forwarded: upstream.received().toString('latin1'), upstream, proxy };
}
