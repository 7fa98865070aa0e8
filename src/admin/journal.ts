import { Readable } from 'node:stream';
import { didYouMean } from '../diagnostics/did-you-mean.ts';
import { OUTCOMES } from '../exchange/outcome.ts';
import { LONGEST_GLOB } from '../notation/glob.ts';
import type { Journal, JournalEntry } from '../observe/journal.ts';
import { type JournalFilter, selects } from '../observe/journal-filter.ts';
import { canonicalOperation, OPERATIONS } from '../request/operation.ts';
import { type AdminAnswer, AdminRefusal, done, json } from './answer.ts';
import { LiveJournal } from './live.ts';
import type { Call, Route } from './route.ts';

/** Number of streams that may be open at a time. Each costs a little for every exchange. */
const MOST_STREAMS = 16;

/** Number of entries in one piece of a stream. */
const BATCH = 100;

/** Routes of the journal: past exchanges, and a stream of new ones. */
export const JOURNAL_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/journal',
    query: ['rule', 'session', 'operation', 'bucket', 'key', 'status', 'outcome', 'limit'],
    handle: list,
  },
  {
    method: 'DELETE',
    path: '/journal',
    handle({ proxy }) {
      proxy.journal.clear();
      return done('journal emptied');
    },
  },
  { method: 'GET', path: '/journal/{id}', handle: ({ proxy, params: [id = ''] }) => one(proxy.journal, id) },
];

function list(call: Call): AdminAnswer {
  const { proxy, query, headers } = call;
  const wants = selects(filterOf(query));
  const limit = limitOf(query);
  if (accepts(headers, 'text/event-stream')) return liveStream(call, wants, limit);
  const ids = idsOf(proxy.journal, wants, limit);
  if (accepts(headers, 'application/x-ndjson'))
    return stream('application/x-ndjson', lines(proxy.journal, ids));
  return json({ count: proxy.journal.count, entries: ids.map((id) => proxy.journal.entry(id)) });
}

/** Tells whether Accept names a type. A weight of 0 means that the client does not want it (RFC 9110 12.5.1). */
function accepts({ accept = '' }: Call['headers'], type: string): boolean {
  return accept.split(',').some((range) => {
    const [name, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    return name === type && !parameters.some((each) => /^q=0(?:\.0*)?$/.test(each));
  });
}

function stream(type: string, body: Readable): AdminAnswer {
  return { status: 200, headers: { 'Content-Type': type }, body };
}

/** Returns the ids of the latest wanted entries, oldest first, and `limit` of them at most. */
function idsOf(
  journal: Journal,
  wants: (entry: JournalEntry) => boolean,
  limit = Number.POSITIVE_INFINITY,
): number[] {
  const ids: number[] = [];
  for (let id = journal.count; id >= journal.oldest && ids.length < limit; id -= 1) {
    const entry = journal.entry(id);
    if (entry && wants(entry)) ids.push(id);
  }
  return ids.reverse();
}

/** Streams entries, one per line. Entries that the journal forgets meanwhile are left out. */
function lines(journal: Journal, ids: readonly number[]): Readable {
  function* pieces() {
    for (let at = 0; at < ids.length; at += BATCH) {
      const entries = ids.slice(at, at + BATCH).map((id) => journal.entry(id));
      yield entries.map((entry) => (entry ? `${JSON.stringify(entry)}\n` : '')).join('');
    }
  }
  return Readable.from(pieces());
}

function liveStream(
  { proxy: { journal }, headers, live }: Call,
  wants: (entry: JournalEntry) => boolean,
  limit: number | undefined,
): AdminAnswer {
  if (live.size >= MOST_STREAMS) {
    throw new AdminRefusal(
      503,
      `${live.size} streams of the journal are open, which is the limit. close one`,
    );
  }
  const lastId = headers['last-event-id'];
  const latest = limit === undefined ? undefined : idsOf(journal, wants, limit)[0];
  const next = typeof lastId === 'string' && lastId !== '' ? idAfter(lastId, journal) : latest;
  const events = new LiveJournal(journal, next ?? journal.count + 1, wants);
  live.add(events);
  events.once('close', () => live.delete(events));
  return stream('text/event-stream', events);
}

/**
 * Returns the id after the last one that a reader got. Ids begin again with every start of the proxy: an id that does not
 * exist yet is from an earlier start, and the reader gets the whole journal.
 */
function idAfter(lastId: string, journal: Journal): number {
  if (!/^\d{1,15}$/.test(lastId)) {
    throw new AdminRefusal(400, `Last-Event-ID is the id of an entry, not "${lastId}"`);
  }
  return Number(lastId) > journal.count ? journal.oldest : Number(lastId) + 1;
}

function one(journal: Journal, id: string): AdminAnswer {
  const entry = /^\d{1,15}$/.test(id) ? journal.entry(Number(id)) : undefined;
  if (entry === undefined) {
    const range =
      journal.oldest > journal.count ? 'it is empty' : `it goes from ${journal.oldest} to ${journal.count}`;
    throw new AdminRefusal(404, `the journal has no entry "${id}"; ${range}`);
  }
  const verdicts = journal.verdicts(entry.id) ?? [];
  return json({
    ...entry,
    verdicts: verdicts.map(({ rule, fires, why }) => ({ rule: rule.name, fires, why })),
  });
}

function filterOf(query: URLSearchParams): JournalFilter {
  const value = (name: string) => query.get(name) ?? undefined;
  return {
    rule: value('rule'),
    session: value('session'),
    operation: operationOf(value('operation')),
    bucket: value('bucket'),
    key: keyOf(value('key')),
    status: statusOf(value('status')),
    outcome: outcomeOf(value('outcome')),
  };
}

function operationOf(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  const operation = canonicalOperation(name);
  if (operation !== undefined) return operation;
  throw new AdminRefusal(400, `unknown operation "${name}"${didYouMean(name, OPERATIONS)}`);
}

function keyOf(glob: string | undefined): string | undefined {
  if (glob === undefined || glob.length <= LONGEST_GLOB) return glob;
  throw new AdminRefusal(400, `key is a glob of ${LONGEST_GLOB} characters at most`);
}

function statusOf(text: string | undefined): number | undefined {
  if (text === undefined || /^[1-5]\d\d$/.test(text)) return text === undefined ? undefined : Number(text);
  throw new AdminRefusal(400, `status is a number from 100 to 599, not "${text}"`);
}

function outcomeOf(text: string | undefined): JournalEntry['outcome'] | undefined {
  const outcome = OUTCOMES.find((each) => each === text);
  if (text === undefined || outcome !== undefined) return outcome;
  throw new AdminRefusal(400, `unknown outcome "${text}"${didYouMean(text, OUTCOMES)}`);
}

function limitOf(query: URLSearchParams): number | undefined {
  const text = query.get('limit');
  if (text === null) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new AdminRefusal(400, `limit is a number of entries, not "${text}"`);
}
