import { providerOfHeaders, providerOfHost, providerOfServer } from '../../catalog/recognition.ts';
import { idOf, ownSign, type ReportFormat, readEach } from '../error-match.ts';

/** What tells whose an error is, wherever it stands: hosts, the Server of an answer, headers that one provider has. */
export const signs: ReportFormat = {
  name: 'hosts and headers that tell whose an error is',
  isAround: true,
  find: (text) => [
    ...readEach(
      text,
      // Where an answer sends its client is not where it comes from.
      /(?<![\w.-])(?<![Ll]ocation['"]?: ?['"]?https?:\/\/)[\w.-]{3,200}\.(?:aliyuncs|myhuaweicloud|myhwclouds|jcloud|jcloudcs|jdcloud-oss|amazonaws)\.(?:com(?:\.cn)?|cn|eu)(?![\w-])(?!\/doc\/)/g,
      ([host]) => ({ weight: 'hint', provider: providerOfHost(host) }),
    ),
    ...readEach(text, /\b[Ss]erver['"]?\s{0,3}[:=]\s{0,3}['"]?([A-Za-z][\w./]{1,20})/g, ([, name = '']) => ({
      weight: 'hint',
      provider: providerOfServer(name),
    })),
    ...readEach(
      text,
      /\bx-(oss|obs|jss|amz)-([a-z0-9-]{2,40})['"]?\s{0,3}[:=]\s{0,3}['"]?([\w-]{0,100})/gi,
      ([, vendor = '', name = '', value]) => ({
        weight: 'hint',
        provider: ownSign(providerOfHeaders([`x-${vendor.toLowerCase()}-`])),
        ...(name.toLowerCase() === 'request-id' ? { requestId: idOf(value) } : {}),
      }),
    ),
  ],
};
