import { describe, expect, it } from 'vitest';
import { headerValue } from '../../src/http/headers.ts';

describe('the value of a field', () => {
  it.each([
    ['in another case', ['Content-Length', '5'], '5'],
    ['that is repeated', ['content-length', '5', 'X', '1', 'Content-Length', '6'], '5, 6'],
    ['that is empty', ['content-length', ''], ''],
    ['that is not there', ['X', 'content-length', 'content_length', '5'], undefined],
    ['in an empty head', [], undefined],
  ])('%s', (_, rawHeaders, value) => {
    expect(headerValue(rawHeaders, 'content-length')).toBe(value);
  });
});
