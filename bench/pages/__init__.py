"""Pages of test executions: a project of 10,000 against one of 1,000,000, and a bare handler.

The public API of executions runs as a process of its own on a mongod of its own, without Kafka.
Requests to both projects, and to the bare handler, alternate: whatever else the machine does meets
all of them.
"""
