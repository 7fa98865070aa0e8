// Types of two SDKs that have none; only the parts that the tests use.

declare module 'esdk-obs-nodejs' {
  interface Answer {
    CommonMsg: { Status: number; Code: string; Message: string; RequestId: string; HostId: string };
    InterfaceResult: Record<string, string> | null;
  }
  class ObsClient {
    constructor(settings: {
      access_key_id: string;
      secret_access_key: string;
      server: string;
      path_style: boolean;
    });
    createBucket(input: { Bucket: string }): Promise<Answer>;
    putObject(input: { Bucket: string; Key: string; Body: string }): Promise<Answer>;
    getObject(input: {
      Bucket: string;
      Key: string;
    }): Promise<Answer & { InterfaceResult: { Content: Buffer | string } | null }>;
    getObjectMetadata(input: { Bucket: string; Key: string }): Promise<Answer>;
    deleteObjects(input: { Bucket: string; Objects: { Key: string }[] }): Promise<{
      InterfaceResult: { Deleteds: object[]; Errors: object[] } | null;
    }>;
    createSignedUrlSync(input: { Method: string; Bucket: string; Key: string; Expires: number }): {
      SignedUrl: string;
      ActualSignedRequestHeaders: Record<string, string>;
    };
    close(): void;
  }
  export = ObsClient;
}

declare module 'ali-oss' {
  interface Result {
    res: { status: number; headers: Record<string, string> };
  }
  class OSS {
    constructor(settings: {
      accessKeyId: string;
      accessKeySecret: string;
      bucket: string;
      endpoint: string;
      sldEnable: boolean;
      secure: boolean;
    });
    putBucket(name: string): Promise<Result>;
    put(
      key: string,
      body: Buffer,
      options?: { callback: { url: string; body: string } },
    ): Promise<Result & { data?: unknown }>;
    get(key: string): Promise<Result & { content: Buffer }>;
    head(key: string): Promise<Result>;
    deleteMulti(keys: string[]): Promise<Result & { deleted: object[] | null }>;
    multipartUpload(
      key: string,
      body: Buffer,
      options: { partSize: number },
    ): Promise<Result & { etag: string }>;
  }
  export = OSS;
}
