import { idOf, known, type ReportFormat, readEach } from '../error-match.ts';

/** OSS PHP SDK: `OSS\Core\OssException: NoSuchBucket: The specified bucket does not exist. RequestId: …`. */
export const ossPhp: ReportFormat = {
  name: 'OSS PHP SDK',
  find: (text) =>
    readEach(text, /\bOssException: ([A-Z][\w.]{2,80}): ([^\n]{0,800})/g, ([, code, rest = '']) => {
      const [message, id] = rest.split(/ ?RequestId: ?/, 2);
      return { provider: 'aliyun-oss', code, message: known(message), requestId: idOf(id?.split(' ', 1)[0]) };
    }),
};
