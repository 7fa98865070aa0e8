import { known, readEach, type Shape } from '../sighting.ts';

/** ClickHouse: `Code: 499. DB::Exception: Please reduce your request rate. (S3_ERROR)`; its code is none of HTTP. */
export const clickhouse: Shape = {
  name: 'ClickHouse',
  find: (text) =>
    readEach(
      text,
      /DB::Exception: ([^\n]{1,1500}?)(?=: (?:\(?while|Cannot)|, bucket|\s?\(S3_ERROR\))/g,
      ([mark, message], after) => {
        if (!after.slice(0, 2000).includes('S3_ERROR')) return undefined;
        return {
          weight: 'weak',
          provider: 'aws-s3',
          message: known(message?.replace(/^Message: /, '')),
          bucket: known(/\bbucket: ([^\s,:()]+?)(?=[\s,:()]|\.\s)/i.exec(after)?.[1]),
          key: known(/\b(?:key|object): ([^\s,:()]+)/i.exec(after)?.[1]),
          length: mark.length,
        };
      },
    ),
};
