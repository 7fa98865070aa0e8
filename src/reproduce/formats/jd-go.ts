import { idOf, known, type ReportFormat, readEach, statusOf } from '../error-match.ts';
import { splitResource } from './xml.ts';

/** JD Go SDK: `JSS API Error: RequestId: … Status Code: … Code: … Message: … Resource: …`. */
export const jdGo: ReportFormat = {
  name: 'JD Go SDK',
  find: (text) =>
    readEach(
      text,
      /JSS API Error: RequestId: ?(\S{0,100}) Status Code: ?(\d{3}) Code: ?([\w.]{0,80}) Message: ?([^\n]{0,1500})/g,
      ([, id, status, code, rest = '']) => {
        const [message, resource] = rest.split(/ Resource: ?/);
        const [bucket, key] = splitResource(resource?.trim());
        return {
          provider: 'jd-jss',
          requestId: idOf(id),
          status: statusOf(status),
          code: known(code),
          message: known(message),
          bucket,
          key,
        };
      },
    ),
};
