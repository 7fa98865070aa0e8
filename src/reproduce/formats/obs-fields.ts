import { first, idOf, type ReportFormat, readEach, statusOf } from '../error-match.ts';

/** Fields of an OBS result as programs print them: esdk-obs-nodejs's `CommonMsg: { Status: 503, Code: 'SlowDown', … }`, Python's `errorCode: …`. */
export const obsFields: ReportFormat = {
  name: 'OBS Node.js and Python SDK',
  find: (text) =>
    readEach(text, /\bCommonMsg['"]?:\s{0,10}\{|\berrorCode: ?(?=[A-Z])/g, ([mark], after, before) => {
      const near = mark.startsWith('errorCode')
        ? `${before.slice(-300)}${after.slice(0, 600)}`
        : after.slice(0, 1200);
      const status = statusOf(/\b[sS]tatus['"]?: ?(\d{3})/.exec(near)?.[1]);
      const code = first(/\b(?:errorC|C)ode['"]?: ?['"]?([A-Z][\w.]{1,80})/, near);
      if ((status ?? 0) < 300 && code === undefined) return undefined;
      return {
        // Others call it an errorCode, too.
        provider: mark.startsWith('errorCode') && !/\berrorMessage: /.test(near) ? undefined : 'huawei-obs',
        status,
        code,
        message: messageIn(near),
        requestId: idOf(/\b[rR]equestId['"]?: ?['"]?(\w+)/.exec(near)?.[1]),
        hostId: idOf(/\b[hH]ostId['"]?: ?['"]?([\w+/=.-]+)/.exec(near)?.[1]),
        length: Math.min(after.length, 600),
      };
    }),
};

/** As Node.js quotes it, or as it is. */
function messageIn(near: string): string | undefined {
  const line = first(/\b(?:errorM|M)essage['"]?: ?([^\n]{1,1500})/, near);
  const [, single, double] = /^(?:'([^']*)'|"([^"]*)")/.exec(line ?? '') ?? [];
  return single ?? double ?? line;
}
