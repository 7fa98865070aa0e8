import { idOf, known, type ReportFormat, readEach, requestTo, statusOf } from '../error-match.ts';

/** Access logs of object stores: `… REST.PUT.PART dir/k "PUT /bucket/dir/k?partNumber=1&uploadId=… HTTP/1.1" 503 SlowDown …`. */
export const accessLog: ReportFormat = {
  name: 'access log',
  find: (text) =>
    readEach(
      text,
      /"([A-Z]{3,7}) (\/[^\s"]{0,4000}) HTTP\/[\d.]{1,3}" ([3-5]\d\d) "?([A-Z][\w.]{2,80}|-)?/g,
      ([, method, target = '', status, code], _, before) => {
        // A log of any web server looks so, but for the code.
        if (known(code) === undefined)
          return { ...requestTo(target, method), nearStatus: statusOf(status), weight: 'hint' };
        const [, bucket, id] = /(\S+) \[[^[\]\n]{10,40}\] \S+ \S+ (\S+) REST\.\S+ \S+ $/.exec(before) ?? [];
        return {
          ...requestTo(target, method),
          ...(bucket === undefined
            ? {}
            : { ...requestTo(`http://${bucket}.s3.amazonaws.com/`), ...keyIn(bucket, target, method) }),
          status: statusOf(status),
          code,
          requestId: idOf(id),
        };
      },
    ),
};

/** S3's log says whose bucket it is; the target has it, too, if it is in path style. */
function keyIn(bucket: string, target: string, method: string | undefined) {
  const inPath =
    target.startsWith(`/${bucket}/`) || target === `/${bucket}` || target.startsWith(`/${bucket}?`);
  return requestTo(
    inPath ? `http://s3.amazonaws.com${target}` : `http://${bucket}.s3.amazonaws.com${target}`,
    method,
  );
}
