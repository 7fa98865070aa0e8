import {
  type ErrorMatch,
  type Network,
  type NetworkPhase,
  type ReportFormat,
  readEach,
} from '../error-match.ts';

/** Texts of failed connections; the first that matches a place counts. */
const SIGNS: readonly (readonly [sign: string, fault: Network['fault'], phase?: NetworkPhase])[] = [
  [
    'connection refused|ECONNREFUSED|ERR_CONNECTION_REFUSED|Could not connect to the endpoint URL|Failed to connect to',
    'refused',
    'connect',
  ],
  [
    'write: connection reset by peer|connection reset by peer \\(Write failed\\)|socket write error|write: broken pipe|Broken ?pipe|EPIPE|Send failure|Error writing request body|SendRequest.{0,20}reset',
    'reset',
    'request-body',
  ],
  [
    'connect(?:ion)? ?timed? ?out|Connect(?:ion)? ?timeout|ConnectTimeout\\w*|dial tcp [^\\n]{0,80}i/o timeout|ERR_CONNECTION_TIMED_OUT|connect ETIMEDOUT',
    'timeout',
    'connect',
  ],
  ['write: (?:i/o timeout|connection timed out)|write operation timed out', 'timeout', 'request-body'],
  [
    'read(?:ing)? timed? ?out|Read timeout|Response timeout|ResponseTimeout\\w*|i/o timeout|Client\\.Timeout exceeded|operation timed out|Operation timed out|ETIMEDOUT|ESOCKETTIMEDOUT|SocketTimeoutException|context deadline exceeded',
    'timeout',
    'answer',
  ],
  [
    'unexpected EOF|IncompleteRead|Premature end of Content-Length|transfer closed with|ERR_CONTENT_LENGTH_MISMATCH|ERR_INCOMPLETE_CHUNKED|Premature close|aborted',
    'close',
    'download',
  ],
  ['read: connection reset by peer', 'reset', 'answer'],
  [
    'connection reset by peer|Connection reset|ECONNRESET|ERR_CONNECTION_RESET|Recv failure',
    'reset',
    'answer',
  ],
  [
    'socket hang up|Empty reply from server|ERR_EMPTY_RESPONSE|RemoteDisconnected|Remote end closed|Connection was closed before we received|NoHttpResponseException|failed to respond|server closed (?:idle )?connection|: EOF\\b|\\bEOFError',
    'close',
    'answer',
  ],
];

const ANY = new RegExp(SIGNS.map(([sign]) => `(${sign})`).join('|'), 'gi');

/** Errors of the network: what Go, Node.js, Python, Java, curl and browsers say of a connection that failed. */
export const network: ReportFormat = {
  name: 'broken connections and time-outs',
  find: (text) => oncePerLine(text, placesIn(text)),
};

type NetworkMatch = ErrorMatch & { readonly network: Network };

function placesIn(text: string): NetworkMatch[] {
  const places = readEach(text, ANY, ([mark, ...groups], after, before) => {
    const which = SIGNS[groups.findIndex((group) => group !== undefined)];
    // An error document may speak of uploads that were aborted: that is an answer.
    const isNone = mark.toLowerCase() === 'aborted' && !/Error: $|ECONNRESET/.test(before.slice(-80));
    if (which === undefined || isNone) return undefined;
    const [, fault, phase = 'answer'] = which;
    const network = { fault, phase: phaseNear(phase, before), timeoutMs: timeoutNear(fault, after) };
    return { weight: 'weak', network };
  });
  return places.flatMap((place) =>
    place.network === undefined ? [] : [{ ...place, network: place.network }],
  );
}

/** Names of exceptions and their texts say the same; the one that comes first in the list of signs is the clearer one. */
function oncePerLine(text: string, places: readonly NetworkMatch[]): NetworkMatch[] {
  const kept: NetworkMatch[] = [];
  for (const place of places) {
    const last = kept.at(-1);
    const isSame = last !== undefined && isOne(text, last, place);
    if (!isSame) {
      kept.push(place);
      continue;
    }
    const clearer = clarity(place.network) < clarity(last.network) ? place.network : last.network;
    const timeoutMs = last.network.timeoutMs ?? place.network.timeoutMs;
    kept[kept.length - 1] = { ...last, to: place.to, network: { ...clearer, timeoutMs } };
  }
  return kept;
}

/** Tells whether two places belong together: one line, one chain of causes, or an error and its code. */
function isOne(text: string, last: NetworkMatch, place: NetworkMatch): boolean {
  if (place.from - last.to > 2000) return false;
  const between = text.slice(last.to, place.from);
  return !between.includes('\n')
    ? between.length < 300
    : /\bCaused by|\bDuring handling|\b(?:code|errno): '$/.test(between);
}

function clarity({ fault, phase }: Network): number {
  return SIGNS.findIndex((sign) => sign[1] === fault && (sign[2] ?? 'answer') === phase);
}

/** A reset is one of writing where the line says so. */
function phaseNear(phase: NetworkPhase, before: string): NetworkPhase {
  const line = before.slice(-200).split('\n').at(-1) ?? '';
  return phase === 'answer' && /\bwrite tcp \S{0,80}: $/.test(line) ? 'request-body' : phase;
}

function timeoutNear(fault: Network['fault'], after: string): number | undefined {
  if (fault !== 'timeout') return undefined;
  const [, digits, unit] =
    /(?:for|after|read timeout=|in) ?(\d{1,9}(?:\.\d{1,3})?) ?(ms|milliseconds|s\b|sec|seconds|\))/.exec(
      after.slice(0, 120),
    ) ?? [];
  if (digits === undefined) return undefined;
  return Math.round(Number(digits) * (unit?.startsWith('m') ? 1 : 1000));
}
