/** Answer of the proxy itself, not of the upstream. Each document of a catalog is one. */
export interface Reply {
  readonly status: number;
  readonly reason: string;
  /** Names and values in turn, in wire order. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** Request id of the answer, if it has one. */
  readonly requestId?: string;
  /** The connection ends after the answer. */
  readonly close?: boolean;
  /** Its headers are sent as they are: Node adds no `Connection` header. */
  readonly isLiteral?: boolean;
}
