"""What is published of flags, and when; flags from a file."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from contracts.flags import EVERYBODY, SEARCH, UPLOAD_WAIT
from contracts.tenancy import TenantState, TenantStatus
from kit.flags import Flags, Values
from services.telemetry.adapters.flags.file import FlagsFile
from services.telemetry.domain.flags import ANONYMOUS, Subject, context_key
from services.telemetry.usecases.flags import FlagPublishing

SMALL, LARGE = Subject("small"), Subject("large")


@dataclass
class Source:
    """Decides by a table; None for a subject: nothing is decided."""

    generation: int | None = 1
    table: dict[Subject, Mapping[str, object]] = field(default_factory=dict)
    asked: list[Subject] = field(default_factory=list)

    async def look(self) -> None: ...

    def decide(self, subjects: Sequence[Subject]) -> Sequence[Mapping[str, object]]:
        self.asked += subjects
        return [self.table.get(subject, {}) for subject in subjects]


@dataclass
class Topic:
    """A topic that every process reads at once."""

    flags: Flags
    published: list[Mapping[str, Values | None]] = field(default_factory=list)

    async def publish(self, states: Mapping[str, Values | None]) -> None:
        self.published.append(states)
        merged = {**self.flags.states, **states}
        self.flags.replace({key: values for key, values in merged.items() if values is not None})


@dataclass
class Tenants:
    found: dict[str, Subject] = field(default_factory=dict)

    async def consenting(self) -> Mapping[str, Subject]:
        return self.found


class Leader:
    async def hold(self) -> bool:
        return True

    async def release(self) -> None: ...


@dataclass
class Bench:
    source: Source = field(default_factory=Source)
    tenants: Tenants = field(default_factory=Tenants)
    topic: Topic = field(default_factory=lambda: Topic(Flags()))

    def __post_init__(self) -> None:
        self.publishing = FlagPublishing(
            self.source, self.tenants, self.topic, self.topic.flags, Leader(), asyncio.Event()
        )

    def decided(self, **of: Mapping[str, object]) -> None:
        """Decide anew: for ``everybody``, ``small``, ``large``."""
        names = {"everybody": ANONYMOUS, "small": SMALL, "large": LARGE}
        self.source.table = {names[name]: values for name, values in of.items()}
        self.source.generation = (self.source.generation or 0) + 1


OFF, ON = {SEARCH.key: False}, {SEARCH.key: True}


async def test_only_what_differs_is_published() -> None:
    bench = Bench(tenants=Tenants({"a": SMALL, "b": LARGE}))
    await bench.publishing.once()
    assert bench.topic.published == []  # nothing is decided, and nobody thinks otherwise
    bench.decided(everybody=OFF, small=OFF, large=ON)
    await bench.publishing.once()
    await bench.publishing.once()
    assert bench.topic.published == [{EVERYBODY: OFF, "b": ON}]
    # everybody else is asked for once, whatever their number
    assert sorted(map(str, bench.source.asked)) == sorted(map(str, [ANONYMOUS, SMALL, LARGE] * 2))
    del bench.tenants.found["b"]
    await bench.publishing.once()
    assert bench.topic.published[1:] == [{"b": None}]
    bench.decided()
    await bench.publishing.once()
    assert bench.topic.published[2:] == [{EVERYBODY: {}}]


async def test_while_nothing_is_known_what_stands_there_holds() -> None:
    bench = Bench(source=Source(generation=None))
    bench.topic.flags.replace({EVERYBODY: OFF, "a": ON})
    await bench.publishing.once()
    assert bench.topic.published == []
    assert bench.source.asked == []


async def test_what_another_leader_published_is_made_good() -> None:
    bench = Bench()
    bench.decided(everybody=OFF)
    await bench.publishing.once()
    bench.topic.flags.replace({EVERYBODY: ON, "stranger": OFF})
    await bench.publishing.once()
    assert bench.topic.published[1:] == [{EVERYBODY: OFF, "stranger": None}]


async def test_bad_values_are_published_to_nobody() -> None:
    bench = Bench(tenants=Tenants({"a": SMALL}))
    bench.decided(everybody={UPLOAD_WAIT.key: 600, **OFF}, small={SEARCH.key: "off"})
    await bench.publishing.once()
    assert bench.topic.published == [{EVERYBODY: OFF, "a": {}}]


async def looked(source: FlagsFile) -> int | None:
    """Look, and return which version is known then."""
    await source.look()
    return source.generation


async def test_a_file_is_read_again_and_a_broken_one_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "flags.json"
    source = FlagsFile(path)
    assert await looked(source) is None
    path.write_text('{"search": false}')
    assert await looked(source) == 1
    assert await looked(source) == 1
    assert source.decide([ANONYMOUS, SMALL]) == [{"search": False}] * 2
    for broken in ("[]", "{", "", '{"search": ' + '"x' * 1_000_000):
        path.write_text(broken)
        assert await looked(source) == 1
    path.unlink()
    assert await looked(source) == 1
    assert source.decide([ANONYMOUS]) == [{"search": False}]
    path.write_text('{"search": true}')
    assert await looked(source) == 2


def test_a_context_says_nothing_but_buckets() -> None:
    state = TenantState(
        tenant="ten1",
        status=TenantStatus.ACTIVE,
        cell="local",
        site_url="https://acme.atlassian.net",
        licence_tier="2000 users",
        licence_type="commercial",
        support_entitlement="SEN-1",
    )
    key = context_key("handle")
    assert Subject.of(key, state) == Subject(key, "1001-10000", "COMMERCIAL")
    assert len(key) == 24
    assert key != context_key("other") != "other"
