// Runs the upload of one of the clients in this folder: node run.mjs CLIENT. The endpoint is in BROWNOUT_URL.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const { upload } = await import(pathToFileURL(resolve(process.argv[2])));
try {
  console.log(await upload(process.env.BROWNOUT_URL));
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
}
