/** The API action a request asks for, by its AWS name (`PutObject`, `UploadPart`, …). */
export type Operation = string;
