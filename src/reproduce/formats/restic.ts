import { operationIn, type ReportFormat, readEach } from '../error-match.ts';
import { rowsOfMessage } from '../known.ts';

/** restic: `Save(<data/…>) returned error, retrying after …: client.PutObject: Please reduce your request rate.`. */
export const restic: ReportFormat = {
  name: 'restic',
  find: (text) =>
    readEach(text, /\bclient\.([A-Z]\w{2,60}): ([^\n]{1,1500})/g, ([, operation, message = '']) => {
      const isDocumented = rowsOfMessage(message).length > 0;
      return {
        weight: isDocumented ? 'sure' : 'hint',
        operation: operationIn(operation),
        message: isDocumented ? message.trim() : undefined,
        api: isDocumented ? 's3' : undefined,
      };
    }),
};
