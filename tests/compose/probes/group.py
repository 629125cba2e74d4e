"""Run inside the administrator's container: who holds which partitions of a consumer group.

Prints JSON: the number of partitions that each member holds, in rising order.
"""

import asyncio
import json
import sys

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from kit.kafka.client import connection
from kit.settings import KafkaSettings


async def main(group: str) -> None:
    admin = AIOKafkaAdminClient(**connection(KafkaSettings()))
    await admin.start()
    try:
        (response,) = await admin.describe_consumer_groups([group])
    finally:
        await admin.close()
    ((_error, _name, state, _kind, _protocol, members, *_),) = response.groups
    held = []
    if state == "Stable":
        for *_member, assignment in members:
            decoded = ConsumerProtocolMemberAssignment.decode(assignment)
            held.append(sum(len(partitions) for _topic, partitions in decoded.assignment))
    sys.stdout.write(json.dumps(sorted(held)))


asyncio.run(main(*sys.argv[1:]))
