import { expect, it } from 'vitest';
import { InFlightSet } from '../../src/proxy/in-flight.ts';

it('a set in flight has the items that were added and not deleted', () => {
  const bag = new InFlightSet<string>();
  for (const item of ['a', 'b', 'c', 'd']) bag.add(item);
  bag.delete('b');
  bag.delete('d');
  bag.add('e');
  expect([bag.size, [...bag].sort()]).toEqual([3, ['a', 'c', 'e']]);
  for (const item of ['e', 'a', 'c']) bag.delete(item);
  expect([bag.size, [...bag]]).toEqual([0, []]);
});
