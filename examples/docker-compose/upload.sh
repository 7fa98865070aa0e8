#!/bin/sh
# Uploads 64 MiB in parts of 8 MiB, reads them back and compares: the S3 client must live with what the rules do to it.
set -eu
head -c 67108864 /dev/urandom > /tmp/sent
until aws s3 mb s3://example; do sleep 1; done
aws s3 cp --no-progress /tmp/sent s3://example/sent
aws s3 cp --no-progress s3://example/sent /tmp/received
[ "$(sha256sum < /tmp/sent)" = "$(sha256sum < /tmp/received)" ]
echo "64 MiB went up and came back unchanged"
