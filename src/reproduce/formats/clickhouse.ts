import { known, type ReportFormat, readEach } from '../error-match.ts';

/** ClickHouse: `Code: 499. DB::Exception: Please reduce your request rate. (S3_ERROR)`; its code is none of HTTP. */
export const clickhouse: ReportFormat = {
  name: 'ClickHouse',
  find: (text) =>
    readEach(text, /DB::Exception: /g, ([mark], after) => {
      const line = after.slice(mark.length, 2000).split('\n', 1)[0] ?? '';
      if (!line.includes('(S3_ERROR)')) return undefined;
      const message = line.split(/: \(?while |: Cannot|, bucket|\s?\(S3_ERROR\)/, 1)[0] ?? '';
      return {
        weight: 'weak',
        api: 's3',
        message: known(message.replace(/^Message: /, '')),
        bucket: known(/\bbucket: ([^\s,:()]+?)(?=[\s,:()]|\.\s)/i.exec(line)?.[1]),
        key: known(/\b(?:key|object): ([^\s,:()]+)/i.exec(line)?.[1]),
        length: mark.length + message.length,
      };
    }),
};
