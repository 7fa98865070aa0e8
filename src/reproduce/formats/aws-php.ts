import { idOf, known, type ReportFormat, readEach, requestTo, serviceOf, statusOf } from '../error-match.ts';

/** The AWS SDK for PHP: ``Error executing "UploadPart" on "http://…"; … resulted in a `400 Bad Request` response: … SlowDown (client): …``. */
export const awsPhp: ReportFormat = {
  name: 'AWS SDK for PHP',
  find: (text) =>
    readEach(
      text,
      /Error executing "(\w{1,60})" on "([^"\n]{1,2000})"/g,
      ([mark, operation, url = ''], after) => {
        const [, method, status, reason] =
          /`(\w{3,7}) [^`\n]{1,2500}` resulted in a `(\d{3})(?: ([^`\n]{0,60}))?` response/.exec(after) ?? [];
        const error = /(?:^|\n)\s{0,4}([A-Z][\w.]{1,80}) \((?:client|server)\):([^\n]{0,1500})/.exec(after);
        return {
          ...requestTo(url, method),
          ...serviceOf(operation),
          status: statusOf(status),
          reason: known(reason),
          code: known(error?.[1]),
          requestId: idOf(/\(Request-ID: ([^\s)]{1,200})\)/.exec(after)?.[1]),
          message: known(error?.[2]?.split(/ - (?=<\?xml|<Error|$)/)[0]),
          weight: status === undefined && error === null ? 'hint' : 'sure',
          length: error === null ? mark.length : error.index + error[0].length,
        };
      },
    ),
};
