"""Every consumer group of every service takes every golden example of its topics."""

import importlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pytest

from contracts.tenancy import SERVICES
from contracts.topics import groups_of, topics_of
from kit.errors import Unavailable
from kit.kafka.records import Poison, Record
from kit.service import Group, Parts, Role, Runtime, running
from tests.contracts.examples import examples_of
from tests.harness.installation import Installation
from tests.harness.polling import eventually

WITH_GROUPS = [service for service in SERVICES if groups_of(service)]
SECRETS: Mapping[str, tuple[str, ...]] = {
    "telemetry": (
        "pseudonym_key_file",
        "segment_write_key_file",
        "amplitude_api_key_file",
        "bugsnag_api_key_file",
    ),
    "tenancy": ("master_key_file",),
}
NOBODY = "http://127.0.0.1:9"
OTHERS: Mapping[str, Mapping[str, Any]] = {
    "telemetry": {
        "segment_url": NOBODY,
        "amplitude_url": NOBODY,
        "bugsnag_notify_url": NOBODY,
        "bugsnag_sessions_url": NOBODY,
        "bugsnag_traces_url": NOBODY,
    }
}


async def taken(group: Group, records: Sequence[Record]) -> Sequence[Poison] | None:
    """Return what cannot be read, None before the directory copy has caught up."""
    try:
        return await group.handler(records)
    except Unavailable:
        return None


def is_something(poison: Sequence[Poison] | None) -> bool:
    """Whether the batch was taken."""
    return poison is not None


@pytest.mark.parametrize("service", WITH_GROUPS)
async def test_every_group_takes_every_example(installation: Installation, service: str) -> None:
    main = importlib.import_module(f"services.{service}.main")
    settings_class = getattr(
        importlib.import_module(f"services.{service}.settings"), f"{service.capitalize()}Settings"
    )
    secrets = {name: installation.secret(name) for name in SECRETS.get(service, ())}
    extra = {**secrets, **OTHERS.get(service, {})}
    if service == "telemetry":
        extra["telemetry_sink_file"] = installation.folder / "consumed.jsonl"
    settings = installation.settings(settings_class, service, **extra)
    groups: dict[str, Group] = {}

    async def build(runtime: Runtime[Any]) -> Parts:
        parts: Parts = await main.build(runtime)
        groups.update(parts.groups)
        return parts

    # the topics are empty: what the handlers get, they get from here
    async with running(service, settings, build, main.INDEXES, Role.CONSUMER):
        assert set(groups) == set(groups_of(service))
        for name, group in groups.items():
            for topic in topics_of(name):
                records = [e.record(n) for n, e in enumerate(examples_of(topic))]
                # twice: the first delivery may have been followed by a crash
                for _ in range(2):
                    assert await eventually(partial(taken, group, records), is_something) == []
