/** Answer that is made here and not by the upstream; each document of a catalog is one. */
export interface Reply {
  readonly status: number;
  readonly reason: string;
  /** Names and values in turn, in wire order. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** Request id it carries, if it has one. */
  readonly requestId?: string;
  /** The connection ends with it. */
  readonly close?: boolean;
  /** Its headers are sent as they are: Node adds no `Connection` header. */
  readonly isLiteral?: boolean;
}
