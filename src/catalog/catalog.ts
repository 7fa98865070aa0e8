/** One documented error of a provider: a row of its catalog. */
export interface Entry {
  readonly code: string;
  /** Tells rows of the same code apart; `undefined` where a code has one row. The first row of a code is its default. */
  readonly variant: string | undefined;
  readonly status: number;
  /** Reason phrase where the provider's differs from the standard one. */
  readonly reason: string | undefined;
  /** Text of the error as it goes on the wire; '' where the provider sends none. */
  readonly message: string;
  /** The message was supplied by us: the provider's document has none. */
  readonly assumed: boolean;
  /** "Succeeded, but …": the object is stored although the client is told otherwise. */
  readonly stored: boolean;
  /** The provider says the client went quiet: the answer comes after a wait and the connection closes. */
  readonly idle: boolean;
  readonly retryable: boolean | undefined;
  /** Other spellings that rules may use for this code. */
  readonly aliases: readonly string[];
  /** Explanation and remedy from the provider's documents. */
  readonly zh: Advice | undefined;
  readonly en: Advice | undefined;
  readonly note: string | undefined;
  readonly source: string;
}

/** What a provider tells people about an error. */
export interface Advice {
  readonly explanation?: string | undefined;
  readonly remedy?: string | undefined;
}

/** A provider's catalog: its documented errors and the dialect it writes them in. */
export interface Provider {
  readonly name: string;
  readonly title: string;
  readonly entries: readonly Entry[];
  // dialect: see document.ts
}
