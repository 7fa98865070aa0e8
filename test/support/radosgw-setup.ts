import type { TestProject } from 'vitest/node';
import { installRadosgw, type Radosgw, type RadosgwAddress, startRadosgw } from './radosgw.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Address of radosgw; `null` if it cannot be installed, so that the tests which need it are skipped. */
    radosgw: RadosgwAddress | null;
  }
}

let radosgw: Radosgw | undefined;

/** vitest globalSetup: one radosgw for the whole run. Under CI a missing radosgw is a failure, elsewhere a visible skip. */
export async function setup(project: TestProject): Promise<void> {
  try {
    await installRadosgw();
  } catch (error) {
    if (process.env.CI === 'true') throw error;
    project.provide('radosgw', null);
    console.warn(
      `skipped: the tests against radosgw. ${error instanceof Error ? error.message.trim() : error}\n` +
        'To run them: apt-get install --no-install-recommends radosgw ceph-mon ceph-osd ceph-common',
    );
    return;
  }
  radosgw = await startRadosgw();
  const { url, accessKey, secretKey } = radosgw;
  project.provide('radosgw', { url, accessKey, secretKey });
}

export async function teardown(): Promise<void> {
  await radosgw?.stop();
}
