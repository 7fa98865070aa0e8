import { z } from 'zod';

const pairs = z.array(z.object({ name: z.string(), value: z.string() }));

/** Schema of the parts of a HAR file (W3C HTTP Archive 1.2) that are read. */
const harSchema = z.object({
  log: z.object({
    entries: z.array(
      z.object({
        request: z.object({ method: z.string(), url: z.string(), headers: pairs.default([]) }),
        response: z.object({
          status: z.number(),
          statusText: z.string().default(''),
          headers: pairs.default([]),
          content: z.object({ text: z.string().optional(), encoding: z.string().optional() }).default({}),
          _error: z.string().nullish(),
        }),
      }),
    ),
  }),
});

type HarEntry = z.output<typeof harSchema>['log']['entries'][number];

/** Returns the exchanges of a HAR file as HTTP messages; `undefined` for any other text. */
export function dumpsOfHar(report: string): string[] | undefined {
  if (!/^\s*\{\s*"log"\s*:/.test(report.slice(0, 1000))) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(report);
  } catch {
    // The text is cut or not a HAR file, and is read like any other text.
    return undefined;
  }
  const har = harSchema.safeParse(parsed);
  return har.success ? har.data.log.entries.map(dumpOf) : undefined;
}

function dumpOf({ request, response }: HarEntry): string {
  const { content, status, statusText, _error: error } = response;
  const body =
    content.encoding === 'base64' ? Buffer.from(content.text ?? '', 'base64').toString() : content.text;
  const hasHost = request.headers.some(({ name }) => /^(?::authority|host)$/i.test(name));
  const host = hasHost ? [] : [{ name: 'Host', value: /^\w+:\/\/([^/?#]+)/.exec(request.url)?.[1] ?? '' }];
  const asked = [`${request.method} ${request.url} HTTP/1.1`, ...linesOf([...host, ...request.headers])].join(
    '\n',
  );
  if (status === 0) return `${asked}\n\n${error ?? ''}`;
  const head = [`HTTP/1.1 ${status} ${statusText}`.trimEnd(), ...linesOf(response.headers)].join('\n');
  return `${asked}\n\n${head}\n\n${body ?? ''}`;
}

/** Names with a colon are those of HTTP/2's own fields. */
function linesOf(headers: z.output<typeof pairs>): string[] {
  return headers
    .filter(({ name }) => !name.startsWith(':') || name === ':authority')
    .map(({ name, value }) => `${name === ':authority' ? 'Host' : name}: ${value.replace(/[\r\n]+/g, ' ')}`);
}
