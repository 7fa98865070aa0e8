/** Error of an invalid command line, with exit code 2. The message says what to write instead. */
export class Misuse extends Error {}
