import { InvalidArgumentError, Option } from 'commander';
import { providerNames } from '../catalog/catalog.ts';
import { didYouMean } from '../diagnostics/did-you-mean.ts';
import { parseDuration, parseSize } from '../notation/units.ts';
import { parseUpstream } from '../upstream/upstream.ts';
import { Misuse } from './misuse.ts';

/** Makes a flag that can also be given as a variable: `--admin-port` as `BROWNOUT_ADMIN_PORT`. */
export function flag(flags: string, description: string): Option {
  const option = new Option(flags, description);
  const variable = `BROWNOUT_${option.name().replaceAll('-', '_').toUpperCase()}`;
  const value = process.env[variable];
  // Compose files pass `${SEED:-}` on as an empty variable.
  if (value === '') return option;
  // Commander switches a boolean flag on with any value of its variable.
  if (option.isBoolean() && value !== undefined && !isOn(value, variable)) return option;
  return option.env(variable);
}

function isOn(value: string, variable: string): boolean {
  if (!/^(?:1|true|yes|on|0|false|no|off)$/i.test(value)) {
    throw new Misuse(`${variable} is "${value}", which is neither true nor false`);
  }
  return /^(?:1|true|yes|on)$/i.test(value);
}

/** Makes a flag that may be repeated, like {@link flag}. The variable separates values by commas. */
export function listFlag(flags: string, description: string): Option {
  return flag(flags, `${description} (repeatable)`)
    .argParser((text: string, list: string[] | undefined) => [...(list ?? []), ...text.split(',')])
    .default(undefined);
}

/** Parses a port; 0 is any free one. */
export function port(text: string): number {
  const number = wholeNumber(text);
  if (number > 65_535) throw new InvalidArgumentError('Ports are numbers from 0 to 65535.');
  return number;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('A whole number is needed.');
  return Number(text);
}

/** Parses a whole number of 1 or more. */
export function positiveNumber(text: string): number {
  const number = wholeNumber(text);
  if (number === 0) throw new InvalidArgumentError('At least 1 is needed.');
  return number;
}

/** Checks that there is a catalog of a provider, and returns its name. */
export function provider(name: string): string {
  const names = providerNames();
  if (!names.includes(name)) throw new Misuse(`unknown provider "${name}"${didYouMean(name, names)}`);
  return name;
}

/** Checks the URL of an upstream, and returns it unchanged. */
export function upstream(text: string): string {
  try {
    if (text !== 'memory:') parseUpstream(text);
    return text;
  } catch (error) {
    throw new Misuse(error instanceof Error ? error.message : String(error));
  }
}

/** Parses HOST=BUCKET into the host name and its bucket. */
export function cname(text: string): [host: string, bucket: string] {
  const [host = '', bucket = ''] = text.split('=', 2);
  if (host === '' || bucket === '') throw new Misuse(`--cname is written HOST=BUCKET, not "${text}"`);
  return [host.toLowerCase(), bucket];
}

/** Checks a duration, and returns it unchanged. */
export function duration(text: string): string {
  return checked(text, parseDuration);
}

/** Checks a size, and returns it unchanged. */
export function size(text: string): string {
  return checked(text, parseSize);
}

function checked(text: string, parse: (text: string) => number): string {
  try {
    parse(text);
    return text;
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}
