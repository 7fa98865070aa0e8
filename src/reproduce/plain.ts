import { dumpsOfHar } from './har.ts';

/** Returns a report as formats read it: un-escaped, and without the additions of terminals, loggers and editors. */
export interface Plain {
  readonly text: string;
  /** 1-based line of the report that a place in the text comes from. */
  lineOf(offset: number): number;
}

/** Makes a report plain, line by line; takes time proportional to its length. */
export function plainOf(report: string): Plain {
  const dumps = dumpsOfHar(report);
  if (dumps !== undefined) return plainOfHar(report, dumps);
  const lines = withoutQuoting(withoutMargins(report.replace(/\r\n?/g, '\n').split('\n').map(withoutSigns)));
  const starts: number[] = [];
  const cleaned: string[] = [];
  let length = 0;
  for (const line of lines) {
    const clean = line === '' || FENCE.test(line) ? '' : cleanLine(line);
    starts.push(length);
    cleaned.push(clean);
    length += clean.length + 1;
  }
  return { text: cleaned.join('\n'), lineOf: (offset) => lastNotAfter(starts, offset) + 1 };
}

/** The line of an exchange is the one where its request begins. */
function plainOfHar(report: string, dumps: readonly string[]): Plain {
  const lines: number[] = [];
  let [line, last] = [1, 0];
  for (const { index } of report.matchAll(/(?<!\\)"request"\s*:\s*\{/g)) {
    for (let at = report.indexOf('\n', last); at >= 0 && at < index; at = report.indexOf('\n', at + 1))
      line++;
    lines.push(line);
    last = index;
  }
  const starts: number[] = [];
  let length = 0;
  for (const dump of dumps) {
    starts.push(length);
    length += dump.length + 2;
  }
  // Extensions of the format may call something of their own a request.
  const isOneEach = lines.length === dumps.length;
  return {
    text: dumps.join('\n\n'),
    lineOf: (offset) => (isOneEach ? (lines[lastNotAfter(starts, offset)] ?? 1) : 1),
  };
}

const FENCE = /^\s{0,3}(?:```|~~~)[\w-]{0,20}\s*$/;

/** Colours, cursor movements and titles of terminals; what is invisible; typographers' quotes. */
function withoutSigns(line: string): string {
  if (/^[\t\x20-\x7e]*$/.test(line)) return line;
  return (
    line
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
      .replace(/\u001b(?:\[[0-9;?]{0,40}[ -/]?[@-~]|\][^\u0007\u001b]*\u0007?|[@-Z\\^_])/g, '')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, '')
      .replace(/[\u201c\u201d\u201e\u201f\uff02]/g, '"')
      .replace(/[\u2018\u2019\u201a]/g, "'")
      .replace(/\u00a0/g, ' ')
  );
}

const MARGINS: readonly RegExp[] = [
  // docker compose
  /^[\w.-]{1,80} {0,60}\| ?/,
  // Android's logcat: date, time, process and package, level and tag
  /^(?:\d{4}-)?\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} {1,4}\d+[- ] {0,4}\d+(?:[/ ][\w.?]{1,100})? [VDIWEF][/ ][\w.]{1,60}: ?/,
  // kubectl and docker, with times
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d) /,
  // syslog and journalctl
  /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d [\w.-]{1,80} [\w./@-]{1,80}(?:\[\d{1,9}\])?: /,
];

/** Takes off what a logger puts before each line, where two lines in a row have it; a lone one may be text. */
function withoutMargins(lines: readonly string[]): string[] {
  const margins = lines.map((line) => {
    if (line === '') return undefined;
    for (const [kind, margin] of MARGINS.entries()) {
      const found = margin.exec(line)?.[0];
      if (found !== undefined) return { kind, length: found.length };
    }
    return undefined;
  });
  return lines.map((line, i) => {
    const own = margins[i];
    const isRun =
      own !== undefined && [margins[i - 1], margins[i + 1]].some((each) => each?.kind === own.kind);
    return isRun ? line.slice(own.length) : line;
  });
}

/** Takes off the `> ` of a quoted mail, where nearly all lines have it; curl marks only some so. */
function withoutQuoting(lines: readonly string[]): readonly string[] {
  const written = lines.filter((line) => line.trim() !== '');
  const quoted = written.filter((line) => line.startsWith('>'));
  if (quoted.length < 2 || quoted.length < written.length * 0.8) return lines;
  return lines.map((line) => line.replace(/^>+ ?/, ''));
}

/** Programs escape what programs have escaped before. */
const MOST_LAYERS = 4;

function cleanLine(line: string): string {
  if (!/[\\&*[<]/.test(line)) return line;
  let text = line;
  for (let layer = 0; layer < MOST_LAYERS && isEscaped(text); layer++) text = unescaped(text);
  if (/&lt;(?:\?xml|\/?Error|\/?Code)|^[^<>]*&lt;\/[A-Z]\w{0,60}&gt;\s*$/.test(text))
    text = text.replace(/&(?:lt|gt|quot|#39|amp);/g, entity);
  // A query has no entities of its own; a body does, and keeps them.
  text = text.replace(/\?[\w.-]{1,60}[=&][^\s"'<>`]*/g, (query) => query.replaceAll('&amp;', '&'));
  return withoutSigns(withoutMarkdown(text));
}

const SIGNS_OF_ESCAPES =
  /\\"|\\u00[0-9a-f]{2}|\\r\\n|[>\s.]\\[nt]|(?<!\b[a-z]):\\[nt]|\\[nt](?:[<[\s]|\\[nt"])|\\n[A-Z][\w ]{2,30}:|<\\\//i;

/** A backslash before a letter may be a path of Windows; one before a quote or beside a tag is none. */
function isEscaped(text: string): boolean {
  return SIGNS_OF_ESCAPES.test(text) && !isErrorItself(text);
}

/** An error document in JSON has escapes of its own. */
function isErrorItself(text: string): boolean {
  if (!/^\s*\{[^{}]{0,200}"code"\s*:/i.test(text)) return false;
  try {
    return JSON.parse(text) !== null;
  } catch {
    return false;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '',
  t: '\t',
  '"': '"',
  "'": "'",
  '\\': '\\',
  '/': '/',
};

function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))/g, (whole, four, two, one) => {
    const number = four ?? two;
    if (number !== undefined) return String.fromCharCode(Number.parseInt(number, 16));
    return ESCAPES[one] ?? whole;
  });
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&amp;': '&',
};

function entity(name: string): string {
  return ENTITIES[name] ?? name;
}

function withoutMarkdown(text: string): string {
  return text
    .replace(/(?<![\w*])\*\*(?=[^\s*])([^*\n]{1,200})(?<=\S)\*\*(?![\w*])/g, '$1')
    .replace(/\[([^[\]\n]{1,200})\]\([^()\s]{1,500}\)/g, '$1')
    .replace(/\\([<>_*])/g, '$1')
    .replace(/<br ?\/?>/g, '\n');
}

function lastNotAfter(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
