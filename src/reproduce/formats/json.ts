import {
  type ErrorFields,
  type ErrorMatch,
  idOf,
  known,
  MOST_PLACES,
  type ReportFormat,
  statusOf,
} from '../error-match.ts';
import { splitResource } from './xml.ts';

/** Characters before and after a `"code"` in which its object may begin and end. */
const REACH = 4000;

/** An error as a JSON object: JD's own body, what ali-oss and others make of an error, structured logs. */
export const json: ReportFormat = {
  name: 'JSON object with a code',
  find(text) {
    const found: ErrorMatch[] = [];
    let last = 0;
    let places = 0;
    for (const mark of text.matchAll(/"(?:error_?)?code"\s{0,4}:\s{0,4}"[A-Za-z][\w.]{1,80}"/gi)) {
      if (++places > MOST_PLACES) break;
      if (mark.index < last) continue;
      const object = objectAround(text, mark.index);
      const told = object && toldBy(object.value, object.text);
      if (object === undefined || told === undefined) continue;
      last = object.from + object.text.length;
      found.push({ ...told, weight: 'sure', from: object.from, to: last });
    }
    return found;
  },
};

/** The innermost object around a place that can be read; of a few tries at most. */
function objectAround(
  text: string,
  at: number,
): { from: number; text: string; value: Map<string, unknown> } | undefined {
  let from = at;
  for (let tries = 0; tries < 4; tries++) {
    from = text.lastIndexOf('{', from - 1);
    if (from < 0 || at - from > REACH) return undefined;
    const whole = text.slice(from, endOfObject(text, from));
    if (from + whole.length <= at) continue;
    try {
      const value: unknown = JSON.parse(whole);
      if (typeof value !== 'object' || value === null) continue;
      return {
        from,
        text: whole,
        value: new Map(Object.entries(value).map(([key, each]) => [plain(key), each])),
      };
    } catch {
      // An outer brace may be the one, or none.
    }
  }
  return undefined;
}

/** Returns the end of the object that begins there, or the place up to which it was read. */
export function endOfObject(text: string, from: number): number {
  let depth = 0;
  let quoted = false;
  const limit = Math.min(text.length, from + 2 * REACH);
  for (let at = from; at < limit; at++) {
    const sign = text[at];
    if (sign === '\\') at++;
    else if (sign === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (sign === '{') depth++;
    else if (sign === '}' && --depth === 0) return at + 1;
  }
  return limit;
}

function plain(name: string): string {
  return name.replace(/[_-]/g, '').toLowerCase();
}

function toldBy(value: ReadonlyMap<string, unknown>, text: string): ErrorFields | undefined {
  const say = (...names: string[]) => {
    const given = names
      .map((name) => value.get(name))
      .find((each) => typeof each === 'string' || typeof each === 'number');
    return given === undefined ? undefined : known(String(given));
  };
  const message = say('message', 'msg', 'errormessage', 'errormsg');
  const requestId = idOf(say('requestid', 'xossrequestid', 'awsrequestid'));
  const status = statusOf(say('status', 'statuscode', 'httpstatuscode', 'httpstatus'));
  if (message === undefined && requestId === undefined && status === undefined) return undefined;
  const isNative = [...value.keys()].join() === 'code,message,resource,requestid';
  const [bucket, key] = splitResource(say('resource'));
  return {
    provider: isNative ? 'jd-jss' : undefined,
    code: say('code', 'errorcode'),
    message,
    status,
    requestId,
    hostId: idOf(say('hostid', 'extendedrequestid', 'id2')),
    bucket: known(say('bucket', 'bucketname') ?? bucket),
    key: known(say('key', 'object', 'objectname') ?? key),
    body: isNative ? { text, whole: true, exact: false } : undefined,
  };
}
