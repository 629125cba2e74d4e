#!/bin/bash
# mongod refuses a key file that others may read, and a secret arrives readable: keep a private copy.
set -euo pipefail

install -m 400 /run/secrets/mongo-keyfile /tmp/keyfile
exec docker-entrypoint.sh mongod --replSet rs0 --keyFile /tmp/keyfile --bind_ip_all \
  --wiredTigerCacheSizeGB "${MONGO_CACHE_GB:-0.5}"
