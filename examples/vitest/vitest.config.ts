import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The SDK's note that Node 20 will not be supported for ever is not what this is about.
  test: { env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' } },
});
