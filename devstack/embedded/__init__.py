"""Apache Kafka, mongod and Caddy as ordinary local processes, from registry packages alone.

Import what you need from the modules (``kafka.embedded_kafka``, ``mongod.embedded_mongod``); this
package imports nothing, so that the reaper beside it starts fast.
"""
