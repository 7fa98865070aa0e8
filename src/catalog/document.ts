/** A provider's error as it goes on the wire. */
export interface Document {
  readonly status: number;
  readonly reason: string;
  /** Names and values in turn, in wire order, as `response.writeHead` takes them. */
  readonly headers: readonly string[];
  /** Empty for HEAD, 204 and 304. */
  readonly body: Buffer;
  readonly requestId: string;
}
