#!/usr/bin/env bash
# Runs the suite on Node releases other than the one in PATH, but for what hangs on no release (vitest.config.ts). Wants `npm ci` and `npm run build` done.
#   other-nodes.sh [VERSION…]     20.19, 22 and 24 unless told otherwise; JSON reports go to the folder $REPORTS, if set
set -euo pipefail
cd "$(dirname "$0")/../.."

versions=("$@")
[ ${#versions[@]} -gt 0 ] || versions=(20.19 22 24)
package=$(node -p '`node-${process.platform}-${process.arch}`')
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

status=0
for version in "${versions[@]}"; do
  npm i --no-save --no-audit --no-fund --silent --prefix "$folder/$version" "$package@$version"
  bin=$folder/$version/node_modules/$package/bin
  echo "== Node $("$bin/node" --version)"
  reporters=(--reporter=dot)
  [ -z "${REPORTS:-}" ] || reporters+=(--reporter=json --outputFile.json="$REPORTS/$("$bin/node" --version).json")
  WITHOUT_TEXTS=1 PATH=$bin:$PATH "$bin/node" node_modules/vitest/vitest.mjs run "${reporters[@]}" || status=1
done
exit "$status"
