import { known, type ReportFormat, readEach, requestTo, statusOf } from '../error-match.ts';

/** A status and no more: Requests' `503 Server Error: Slow Down for url: …`, urllib's `HTTP Error 503: Slow Down`, curl's `returned error: 503`. */
export const plainStatus: ReportFormat = {
  name: 'status without a body (Requests, urllib, curl)',
  find: (text) =>
    readEach(
      text,
      /(?<!\d)([3-5]\d\d) (?:Server|Client) Error: ([^\n]{0,60}?) for url: (https?:\/\/[^\s"'<>]{4,2000})|\bHTTP Error ([3-5]\d\d): ([A-Z][A-Za-z -]{1,40})|requested URL returned error: ([3-5]\d\d)/g,
      ([, status, reason, url, second, phrase, third]) => ({
        ...(url === undefined ? {} : requestTo(url)),
        status: statusOf(status ?? second ?? third),
        reason: known(reason ?? phrase),
      }),
    ),
};
