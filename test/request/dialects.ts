/** The five dialects as their clients address a bucket and sign: what the table tests repeat each row for. */
export const DIALECTS = [
  {
    name: 'aws-s3',
    prefix: 'amz',
    host: 's3.us-west-2.amazonaws.com',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AK/20260101/us-west-2/s3/aws4_request, SignedHeaders=host, Signature=0',
  },
  { name: 'aliyun-oss', prefix: 'oss', host: 'oss-cn-hangzhou.aliyuncs.com', authorization: 'OSS AK:c2ln' },
  {
    name: 'huawei-obs',
    prefix: 'obs',
    host: 'obs.cn-north-4.myhuaweicloud.com',
    authorization: 'OBS AK:c2ln',
  },
  { name: 'jd-jss', prefix: 'jss', host: 'storage.jcloud.com', authorization: 'jingdong AK:c2ln' },
  // Unidentified cloud in the manner of early OSS; known to the operator by its domain only.
  { name: 'oss-classic', prefix: 'oss', host: 'storage.example.cn', authorization: 'OSS AK:c2ln' },
] as const;

export const DOMAINS = ['storage.example.cn'];
