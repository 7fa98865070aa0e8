import type { ReportFormat } from '../error-match.ts';
import { accessLog } from './access-log.ts';
import { arrow } from './arrow.ts';
import { awsCpp } from './aws-cpp.ts';
import { awsGo } from './aws-go.ts';
import { awsGo2 } from './aws-go-2.ts';
import { awsJava } from './aws-java.ts';
import { awsPhp } from './aws-php.ts';
import { awsRust } from './aws-rust.ts';
import { botoMetadata } from './boto-metadata.ts';
import { botocore } from './botocore.ts';
import { clickhouse } from './clickhouse.ts';
import { deleteResult } from './delete-result.ts';
import { hadoop } from './hadoop.ts';
import { hints } from './hints.ts';
import { http } from './http.ts';
import { jdGo } from './jd-go.ts';
import { jsObject } from './js-object.ts';
import { jsStack } from './js-stack.ts';
import { json } from './json.ts';
import { messages } from './messages.ts';
import { minio } from './minio.ts';
import { network } from './network.ts';
import { objectStore } from './object-store.ts';
import { obsFields } from './obs-fields.ts';
import { obsGo } from './obs-go.ts';
import { obsJava } from './obs-java.ts';
import { obsutil } from './obsutil.ts';
import { ossAndroid } from './oss-android.ts';
import { ossGo } from './oss-go.ts';
import { ossJava } from './oss-java.ts';
import { ossPhp } from './oss-php.ts';
import { ossPython } from './oss-python.ts';
import { ossV2 } from './oss-v2.ts';
import { plainStatus } from './plain-status.ts';
import { restic } from './restic.ts';
import { s3cmd } from './s3cmd.ts';
import { signs } from './signs.ts';
import { statusLine } from './status-line.ts';
import { words } from './words.ts';
import { xml } from './xml.ts';

/** All formats. If two disagree on an error, the earlier one counts. */
export const FORMATS: readonly ReportFormat[] = [
  http,
  deleteResult,
  xml,
  json,
  statusLine,
  plainStatus,
  accessLog,
  awsJava,
  awsGo,
  awsGo2,
  awsPhp,
  awsCpp,
  awsRust,
  botocore,
  botoMetadata,
  jsObject,
  jsStack,
  objectStore,
  minio,
  s3cmd,
  restic,
  arrow,
  clickhouse,
  ossGo,
  ossV2,
  ossJava,
  ossAndroid,
  ossPython,
  ossPhp,
  obsJava,
  obsGo,
  obsutil,
  obsFields,
  jdGo,
  network,
  messages,
  words,
  hadoop,
  hints,
  signs,
];
