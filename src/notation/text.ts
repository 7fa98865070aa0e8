/** Text as a terminal may be given it: a key may hold anything, commands to it too. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '�');
}

/** `1 rule`, `2 rules`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
