/**
 * Notes where a process breaks the answer contract: one head, no data after the end, nothing after a cut. The processes
 * that tests start load it by `--import`; answer-contract.ts loads it into the process of the tests. Each violation is
 * appended to the file that $ANSWER_CONTRACT names.
 */
import { appendFileSync, existsSync } from 'node:fs';
import { ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';

/** Responses that a fault has cut off. */
const cut = new WeakSet();

const afterHead = (response) => response.headersSent && 'after the head';
const afterEnd = (response) => response.writableEnded && 'after the end';
const dataAfterEnd = (response, data) => data?.length > 0 && typeof data !== 'function' && afterEnd(response);

/** Methods by which an answer is sent, and when a call of each breaks the contract. */
const RULES = {
  writeContinue: afterHead,
  writeHead: afterHead,
  write: dataAfterEnd,
  addTrailers: afterEnd,
  end: dataAfterEnd,
};

for (const [name, broken] of Object.entries(RULES)) {
  const { prototype } = ServerResponse;
  const original = prototype[name];
  prototype[name] = function (...args) {
    const when = cut.has(this) ? 'after a cut' : broken(this, args[0]);
    if (when) report(`${name} ${when}`, this);
    return original.apply(this, args);
  };
}

function report(violation, { req }) {
  const { stack } = new Error(`${violation}: ${req.method} ${req.url}`);
  appendFileSync(process.env.ANSWER_CONTRACT, `${stack}\n`);
}

/** Has it noted what is sent after exchanges of this class were cut. */
export function watchCuts({ prototype }) {
  const original = prototype.cut;
  if (original === undefined)
    throw new Error('an Exchange has no cut: nobody looks at what is sent after it');
  prototype.cut = function (...args) {
    cut.add(this.response);
    return original.apply(this, args);
  };
}

const [, script] = process.argv;
const root = new URL('../../', import.meta.url);
const built = new URL('dist/exchange/exchange.js', root);
const isOurs = script?.startsWith(fileURLToPath(root)) && !script.includes('node_modules');
if (isOurs && existsSync(built)) watchCuts((await import(built)).Exchange);
