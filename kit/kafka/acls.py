"""ACLs: what each service may do, rendered from the topic registry; the rest is denied.

``python -m kit.kafka.acls show`` prints them, ``apply`` makes the cluster hold exactly these for
the services' users (bindings of other principals are left alone). A service writes to the topics
it produces and to the DLQs of its groups, reads the topics it subscribes to or keeps in memory,
and owns its groups and transactional ids. The DLQ commands read and replay as the administrator.
"""

import asyncio
import sys
from collections.abc import Iterable
from enum import IntEnum
from typing import Any, NamedTuple

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest

from contracts.topics import TOPICS, Topic
from kit.kafka.client import Names, connection
from kit.settings import KafkaSettings, load

ANY = 1
ALLOW = 3


class Resource(IntEnum):
    """Kafka's resource types, by their number in the protocol."""

    TOPIC = 2
    GROUP = 3
    TRANSACTIONAL_ID = 5


class Pattern(IntEnum):
    """How a resource name is matched."""

    LITERAL = 3
    PREFIXED = 4


class Operation(IntEnum):
    """READ and WRITE include DESCRIBE (of the name and the partitions, never of records)."""

    READ = 3
    WRITE = 4
    DESCRIBE = 8


class Acl(NamedTuple):
    """One allowed operation, from every host."""

    service: str
    resource: Resource
    name: str
    operation: Operation
    pattern: Pattern = Pattern.LITERAL

    @property
    def principal(self) -> str:
        """The SCRAM user of a service bears its name."""
        return f"User:{self.service}"

    def __str__(self) -> str:
        star = "*" if self.pattern is Pattern.PREFIXED else ""
        return f"{self.principal} {self.operation.name} {self.resource.name} {self.name}{star}"


def render(names: Names) -> list[Acl]:
    """Return every ACL of this installation, without repeats, in a stable order."""
    acls = {acl for topic in TOPICS for acl in _of_topic(topic, names)}
    services = {acl.service for acl in acls}
    for service in services:
        acls |= _of_service(service, names)
    return sorted(acls)


def _of_service(service: str, names: Names) -> set[Acl]:
    ids, topics = names.group(f"{service}."), names.group("ostro.")
    return {
        # the relay's fence: no other service can push a leader out
        Acl(service, Resource.TRANSACTIONAL_ID, ids, Operation.WRITE, Pattern.PREFIXED),
        # at start a service waits until the whole registry has been created
        Acl(service, Resource.TOPIC, topics, Operation.DESCRIBE, Pattern.PREFIXED),
    }


def _of_topic(topic: Topic, names: Names) -> Iterable[Acl]:
    for service in topic.producers:
        yield Acl(service, Resource.TOPIC, names.topic(topic), Operation.WRITE)
    for service in topic.readers:
        yield Acl(service, Resource.TOPIC, names.topic(topic), Operation.READ)
    for subscription in topic.subscriptions:
        service = subscription.service
        yield Acl(service, Resource.TOPIC, names.topic(topic), Operation.READ)
        yield Acl(service, Resource.GROUP, names.group(subscription.group), Operation.READ)
        if subscription.dead_letters:
            dlq = names.dead_letters(topic, subscription)
            yield Acl(service, Resource.TOPIC, dlq, Operation.WRITE)


class Binding(NamedTuple):
    """An ACL as the protocol carries it, the fields in the protocol's order."""

    resource: int
    name: str
    pattern: int
    principal: str
    host: str
    operation: int
    permission: int

    @classmethod
    def of(cls, acl: Acl) -> "Binding":
        """Allow from every host: inside the installation addresses say nothing."""
        resource, pattern, operation = int(acl.resource), int(acl.pattern), int(acl.operation)
        return cls(resource, acl.name, pattern, acl.principal, "*", operation, ALLOW)


class AclAdmin:
    """Describe, create and delete: aiokafka has the messages, but no calls for them."""

    def __init__(self, client: AIOKafkaClient) -> None:
        self._client = client

    async def held(self) -> set[Binding]:
        """Return every binding of the cluster."""
        response = await self._send(DescribeAclsRequest(ANY, None, ANY, None, None, ANY, ANY))
        _check(response.error_code, response.error_message)
        return {
            Binding(kind, name, pattern, *rest)
            for kind, name, pattern, bindings in response.resources
            for rest in bindings
        }

    async def add(self, binding: Binding) -> None:
        """Create one binding; an existing one stays."""
        response = await self._send(CreateAclsRequest(*binding))
        for code, message in response.creation_responses:
            _check(code, message)

    async def remove(self, binding: Binding) -> None:
        """Delete one binding."""
        response = await self._send(DeleteAclsRequest(*binding))
        for code, message, _deleted in response.filter_responses:
            _check(code, message)

    async def _send(self, request: Any) -> Any:
        # any broker forwards these to the controller
        return await self._client.send(self._client.get_random_node(), request)


def _check(code: int, message: str | None) -> None:
    if code:
        raise RuntimeError(f"Kafka refused an ACL request: error {code}, {message}")


async def apply(settings: KafkaSettings) -> tuple[int, int]:
    """Make the cluster hold exactly our bindings; return how many were added and removed."""
    acls = render(Names(settings.topic_prefix))
    wanted = {Binding.of(acl) for acl in acls}
    ours = {acl.principal for acl in acls}
    client = AIOKafkaClient(**connection(settings))
    try:
        await client.bootstrap()
        admin = AclAdmin(client)
        held = {binding for binding in await admin.held() if binding.principal in ours}
        # allow first: a running service keeps working through a change
        for binding in sorted(wanted - held):
            await admin.add(binding)
        for binding in sorted(held - wanted):
            await admin.remove(binding)
        return len(wanted - held), len(held - wanted)
    finally:
        await client.close()


def main(arguments: list[str]) -> None:
    """Run a command of this module."""
    settings = load(KafkaSettings)
    match arguments:
        case ["show"]:
            lines = [str(acl) for acl in render(Names(settings.topic_prefix))]
            sys.stdout.write("\n".join(lines) + "\n")
        case ["apply"]:
            added, removed = asyncio.run(apply(settings))
            sys.stdout.write(f"ACLs: {added} added, {removed} removed\n")
        case _:
            raise SystemExit("usage: python -m kit.kafka.acls show|apply")


if __name__ == "__main__":
    main(sys.argv[1:])
