import {
  type ErrorFields,
  known,
  number,
  operationIn,
  type ReportFormat,
  readEach,
  requestTo,
  statusOf,
} from '../error-match.ts';

/** The Rust crate object_store: `Error { retries: 0, message: "<Error>…", source: Some(reqwest::Error { kind: Status(400), … }) }`. */
export const objectStore: ReportFormat = {
  name: 'object_store',
  find: (text) =>
    readEach(
      text,
      /\bretries: (\d{1,6}), |Error after (\d{1,6}) retries in |after (\d{1,6}) retries, max_retries/g,
      ([mark, one, two, three], after, before) => {
        const status = statusOf(
          /(?:kind: Status\(|status: |status code: |status server error \(|status client error \()(\d{3})/.exec(
            after,
          )?.[1],
        );
        return {
          ...requestIn(after, before),
          retries: number(/^(\d+)$/, one ?? two ?? three ?? ''),
          status,
          weight: status === undefined ? 'hint' : 'sure',
          length: Math.min(after.length, mark.length + 2000),
        };
      },
    ),
};

function requestIn(after: string, before: string): ErrorFields {
  const uri = /\buri: Some\(([^\s)]{1,2000})\)/.exec(`${before}${after}`)?.[1];
  const method = /\bmethod: ([A-Z]{3,7}),/.exec(`${before}${after}`)?.[1];
  if (uri !== undefined) return requestTo(uri, method);
  const source = /source: (\w{3,60}?)(?:Request|Error)? \{ source: Error \{ *$/.exec(before)?.[1];
  const [, host, path, query] =
    /host: Some\(Domain\("([^"]{1,300})"\)\).{0,40}?path: "([^"]{0,2000})"(?:, query: Some\("([^"]{0,2000})"\))?/.exec(
      after,
    ) ?? [];
  const told =
    host === undefined ? {} : requestTo(`https://${host}${path}${query === undefined ? '' : `?${query}`}`);
  const operation = operationIn(source) ?? operationIn(`${source}Upload`) ?? operationIn(`${source}Object`);
  return { ...told, operation: known(operation) ?? told.operation };
}
