import { STATUS_CODES } from 'node:http';
import type { Readable } from 'node:stream';
import { BadRules, diagnosticJson, UnknownRule } from '../diagnostics/diagnostic.ts';
import { counted } from '../notation/text.ts';
import { UnknownSession } from '../sessions/sessions.ts';

/** Answer of the admin port. */
export interface AdminAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Text, or a stream if the body has no end or is too large to hold in memory. */
  readonly body: string | Readable;
  /** Change that the request made, for the log: `rule "x" disabled`. */
  readonly changed?: string | undefined;
}

/** Error that is answered with this status. The message says what is wrong and how to correct it. */
export class AdminRefusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.headers = headers;
  }
}

/** Answers 200 with JSON. `changed` is the change that was made, if there was one. */
export function json(value: unknown, changed?: string): AdminAnswer {
  return jsonAnswer(200, value, { changed });
}

/** Answers 201 with the new thing as JSON, and its location if it has one. */
export function created(value: unknown, location: string | undefined, changed: string): AdminAnswer {
  return jsonAnswer(201, value, { changed, headers: location === undefined ? {} : { Location: location } });
}

/** Answers 204, without a body. */
export function done(changed: string): AdminAnswer {
  return { status: 204, headers: {}, body: '', changed };
}

/** Answers with a line of text, for monitors. */
export function text(status: number, body: string): AdminAnswer {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body };
}

/** Answers an error with problem details (RFC 9457). The answer to bad rules or a bad plan has their diagnostics. */
export function problem(error: unknown): AdminAnswer {
  if (error instanceof BadRules) {
    const detail = `${counted(error.diagnostics.length, 'problem')}; nothing was changed`;
    return problemAnswer(422, detail, {}, { diagnostics: error.diagnostics.map(diagnosticJson) });
  }
  if (error instanceof UnknownRule || error instanceof UnknownSession)
    return problemAnswer(404, error.message);
  if (error instanceof AdminRefusal) return problemAnswer(error.status, error.message, error.headers);
  return problemAnswer(500, error instanceof Error ? error.message : String(error));
}

function problemAnswer(
  status: number,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
  more: Readonly<Record<string, unknown>> = {},
): AdminAnswer {
  const title = STATUS_CODES[status] ?? 'Error';
  return jsonAnswer(
    status,
    { title, status, detail, ...more },
    { type: 'application/problem+json', headers },
  );
}

function jsonAnswer(
  status: number,
  value: unknown,
  {
    type = 'application/json',
    headers = {},
    changed,
  }: { type?: string; headers?: Readonly<Record<string, string>>; changed?: string | undefined },
): AdminAnswer {
  return {
    status,
    headers: { 'Content-Type': type, ...headers },
    body: `${JSON.stringify(value)}\n`,
    changed,
  };
}
