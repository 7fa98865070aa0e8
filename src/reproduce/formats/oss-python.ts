import { first, idOf, type ReportFormat, readEach, statusOf } from '../error-match.ts';

/** oss2: `{'status': 503, 'x-oss-request-id': '…', 'details': {'Code': '…', …}}`; a negative status is a broken connection. */
export const ossPython: ReportFormat = {
  name: 'oss2 (Python)',
  find: (text) =>
    readEach(text, /\{'status': (-?\d{1,3}), ?'x-oss-request-id'/g, ([mark, digits], after) => {
      const status = statusOf(digits);
      const quoted = (name: string) =>
        first(new RegExp(`'${name}': (?:'([^'\\n]{0,800})'|"[^"\\n]{0,800}")`), after);
      return {
        provider: 'aliyun-oss',
        status,
        code: quoted('Code'),
        message: quoted('Message') ?? first(/'Message': "([^"\n]{0,800})"/, after),
        requestId: idOf(quoted('RequestId') ?? quoted('x-oss-request-id')),
        hostId: idOf(quoted('HostId')),
        weight: status === undefined ? 'hint' : 'sure',
        length: mark.length + 200,
      };
    }),
};
