#!/bin/bash
# Formats the storage on the first start, with the clients' SCRAM credentials (one user per line,
# salted and hashed), then becomes the broker.
set -euo pipefail

config=/opt/ostro/server.properties
if [ ! -e /var/lib/kafka/data/meta.properties ]; then
  users=()
  while IFS= read -r credential; do users+=(--add-scram "$credential"); done </run/secrets/kafka-scram-credentials
  cluster_id=$(/opt/kafka/bin/kafka-storage.sh random-uuid)
  # it prints what it stores: not into a log
  /opt/kafka/bin/kafka-storage.sh format --cluster-id "$cluster_id" --config "$config" "${users[@]}" >/dev/null
fi
exec /opt/kafka/bin/kafka-run-class.sh kafka.Kafka "$config"
