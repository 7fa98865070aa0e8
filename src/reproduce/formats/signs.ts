import {
  headerPrefixes,
  providerOfHeaders,
  providerOfHost,
  providerOfServer,
  recognitions,
} from '../../catalog/recognition.ts';
import { idOf, ownSign, type ReportFormat, readEach } from '../error-match.ts';

/** Signs of a provider anywhere in a text: hosts, the Server of an answer, headers that one provider has. */
export const signs: ReportFormat = {
  name: 'hosts and headers that tell whose an error is',
  isAround: true,
  find: (text) => [
    ...readEach(text, patterns().host, ([host]) => ({ weight: 'hint', provider: providerOfHost(host) })),
    ...readEach(text, /\b[Ss]erver['"]?\s{0,3}[:=]\s{0,3}['"]?([A-Za-z][\w./]{1,20})/g, ([, name = '']) => ({
      weight: 'hint',
      provider: providerOfServer(name),
    })),
    ...readEach(text, patterns().header, ([, prefix = '', name = '', value]) => ({
      weight: 'hint',
      provider: ownSign(providerOfHeaders([prefix.toLowerCase()])),
      ...(name.toLowerCase() === 'request-id' ? { requestId: idOf(value) } : {}),
    })),
  ],
};

let made: ReturnType<typeof makePatterns> | undefined;

/** Patterns of the hosts and headers of all providers. Made once. */
function patterns(): ReturnType<typeof makePatterns> {
  made ??= makePatterns();
  return made;
}

function makePatterns() {
  const all = recognitions().map(([, each]) => each);
  // The longest first: one may be the beginning of another.
  const domains = all.flatMap((each) => each.domains).sort((a, b) => b.length - a.length);
  return {
    host: new RegExp(
      // A Location header does not show the provider of its answer.
      String.raw`(?<![\w.-])(?<![Ll]ocation['"]?: ?['"]?https?:\/\/)[\w.-]{3,200}\.(?:${domains.join('|').replaceAll('.', '\\.')})(?![\w-])(?!\/doc\/)`,
      'g',
    ),
    header: new RegExp(
      String.raw`\b(${headerPrefixes().join('|')})([a-z0-9-]{2,40})['"]?\s{0,3}[:=]\s{0,3}['"]?([\w-]{0,100})`,
      'gi',
    ),
  };
}
