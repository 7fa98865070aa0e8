/** Replaces control characters, so that a text is safe to print. A key may contain commands to the terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '�');
}

/** Writes a count and its noun: `1 rule`, `2 rules`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
